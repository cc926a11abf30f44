//! `estafeta test`.

use super::{Encryption, PasswordChoice, address};
use clap::{Args, Subcommand};
use core_world::Fingerprint;
use std::path::PathBuf;
use words_mail::{Address, ReversePath};

/// `estafeta test`
#[derive(Debug, Subcommand)]
pub enum TestCommand {
    /// Send one message to any server and show the dialogue. Ends with 0 if all recipients were
    /// taken, 75 if a later try may help, 1 if not
    Send(Box<TestSend>),
}

/// `estafeta test send`
#[derive(Debug, Args)]
pub struct TestSend {
    /// Who shall have it; may be said more than once
    #[arg(long, value_name = "ADDRESS", value_parser = address, required = true)]
    pub to: Vec<Address>,
    /// Who sends it [default: nobody, the null reverse-path]
    #[arg(long, value_name = "ADDRESS", value_parser = reverse_path, default_value = "<>", hide_default_value = true)]
    pub from: ReversePath,
    /// The server [default port: 25, with implicit TLS 465]
    #[arg(long, value_name = "HOST[:PORT]")]
    pub server: String,
    /// When TLS begins [default: after STARTTLS, if that is offered, whatever the certificate]
    #[arg(long, value_enum)]
    pub tls: Option<Encryption>,
    /// File of further authorities to believe, in PEM
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// The one certificate to believe, by its SHA-256 fingerprint
    #[arg(long, value_name = "HEX", value_parser = fingerprint)]
    pub fingerprint: Option<Fingerprint>,
    /// Log in with this name
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Where its password comes from; otherwise ESTAFETA_TEST_PASSWORD has it, or it is asked for
    #[command(flatten)]
    pub password: PasswordChoice,
    /// File with the password, one line
    #[arg(long, value_name = "FILE", conflicts_with_all = ["password", "password_stdin"])]
    pub password_file: Option<PathBuf>,
    /// How we call ourselves in EHLO [default: the name of this machine]
    #[arg(long, value_name = "NAME")]
    pub hello: Option<String>,
    /// Speak LMTP
    #[arg(long)]
    pub lmtp: bool,
    /// Text of the message
    #[arg(long, value_name = "TEXT", default_value = "This is a test.")]
    pub body: String,
    /// A field of the header, as in "Subject: hola"; may be said more than once
    #[arg(long = "header", value_name = "FIELD", value_parser = field)]
    pub headers: Vec<String>,
    /// Send this file as it is, header and all; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["body", "headers"])]
    pub message: Option<PathBuf>,
    /// How long connecting, and each reply, may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,
}

fn reverse_path(text: &str) -> Result<ReversePath, String> {
    match text {
        "" | "<>" => Ok(ReversePath(None)),
        text => address(text).map(|address| ReversePath(Some(address))),
    }
}

fn fingerprint(text: &str) -> Result<Fingerprint, String> {
    text.parse().map_err(str::to_string)
}

fn field(text: &str) -> Result<String, String> {
    let name = text.split_once(':').map(|(name, _)| name);
    let good = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic());
    match name {
        Some(name) if good(name) && !text.contains(['\r', '\n']) => Ok(text.to_string()),
        _ => Err("expected a name, a colon and a value, on one line".to_string()),
    }
}
