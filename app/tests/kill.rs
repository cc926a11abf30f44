//! The real process, killed with SIGKILL under load, opened again, and audited against the sender's
//! own list of acknowledgements. `ESTAFETA_KILLS` says how often (3).

mod support;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::Lab;
use support::client::Client;

const SESSIONS: usize = 16;

/// Sends until told to stop or cut off; `acknowledged` gets each message that was answered with 250,
/// and how many mailboxes it must be in.
fn sender(port: u16, next: &AtomicU64, stop: &AtomicBool, acknowledged: &Mutex<HashMap<u64, u32>>) {
    let _: std::io::Result<()> = (|| {
        let mut client = Client::try_connect(port)?;
        client.reply()?;
        exchange(&mut client, b"EHLO sender.example\r\n", 250)?;
        while !stop.load(Ordering::Relaxed) {
            let id = next.fetch_add(1, Ordering::Relaxed);
            let recipients: &[&str] = match id % 3 {
                0 => &["ana", "bob"],
                1 => &["ana"],
                _ => &["bob"],
            };
            exchange(&mut client, b"MAIL FROM:<sender@client.example>\r\n", 250)?;
            for name in recipients {
                exchange(&mut client, format!("RCPT TO:<{name}@mired.org>\r\n").as_bytes(), 250)?;
            }
            exchange(&mut client, b"DATA\r\n", 354)?;
            // Every 40th is too large to travel inside the log.
            let size =
                if id.is_multiple_of(40) { 400_000 } else { 2_000 + (id as usize * 37) % 6_000 };
            let line = format!("{}\r\n", "x".repeat(70));
            let body = line.repeat(size / line.len());
            let message = format!("Message-ID: <kill.{id}@client.example>\r\n\r\n{body}.\r\n");
            exchange(&mut client, message.as_bytes(), 250)?;
            acknowledged.lock().unwrap().insert(id, recipients.len() as u32);
        }
        Ok(())
    })();
}

fn exchange(client: &mut Client, bytes: &[u8], code: u16) -> std::io::Result<()> {
    client.try_send(bytes)?;
    let (got, text) = client.reply()?;
    if got != code {
        return Err(std::io::Error::other(text));
    }
    Ok(())
}

/// How often each message stands in a mailbox.
fn mailbox(lab: &Lab, user: &str) -> HashMap<u64, u32> {
    let mut client = Client::connect(lab.port("imap"));
    client.read_line();
    client.imap(&format!("LOGIN {user} {user}"));
    client.imap("SELECT INBOX");
    let mut found = HashMap::new();
    for line in client.imap("FETCH 1:* (RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])") {
        if let Some((_, rest)) = line.split_once("<kill.") {
            let id = rest.split('@').next().unwrap().parse().unwrap();
            *found.entry(id).or_insert(0) += 1;
        }
    }
    // Every octet of every message reads back and passes its checksum.
    let bodies = client.imap("UID FETCH 1:* BODY.PEEK[]");
    let whole = bodies.iter().filter(|l| l.contains("Message-ID: <kill.")).count();
    assert_eq!(whole as u32, found.values().sum::<u32>());
    found
}

#[test]
fn no_acknowledged_message_is_lost_by_kills() {
    let kills: u64 = std::env::var("ESTAFETA_KILLS").map_or(3, |v| v.parse().unwrap());
    let mut lab = Lab::start();
    let acknowledged = Arc::new(Mutex::new(HashMap::new()));
    let next = Arc::new(AtomicU64::new(0));
    for kill in 0..kills {
        let stop = Arc::new(AtomicBool::new(false));
        let threads: Vec<_> = (0..SESSIONS)
            .map(|_| {
                let (port, next) = (lab.port("smtp"), next.clone());
                let (stop, acknowledged) = (stop.clone(), acknowledged.clone());
                std::thread::spawn(move || sender(port, &next, &stop, &acknowledged))
            })
            .collect();
        // Different each time, so that it falls on different work: filling, checkpoint, switch.
        std::thread::sleep(Duration::from_millis(150 + (kill * 397) % 1700));
        lab.kill();
        stop.store(true, Ordering::Relaxed);
        threads.into_iter().for_each(|t| t.join().unwrap());
        lab.run();
    }
    let found = [mailbox(&lab, "ana"), mailbox(&lab, "bob")];
    let acknowledged = acknowledged.lock().unwrap();
    assert!(acknowledged.len() > 100, "only {} acknowledged", acknowledged.len());
    let mut missing = 0;
    for (id, mailboxes) in acknowledged.iter() {
        let copies: u32 = found.iter().map(|f| f.get(id).copied().unwrap_or(0)).sum();
        missing += mailboxes.saturating_sub(copies);
    }
    let twice = found.iter().flat_map(|f| f.values()).filter(|count| **count > 1).count();
    println!(
        "{kills} kills: {} acknowledged, {missing} missing, {twice} twice in one mailbox",
        acknowledged.len()
    );
    assert_eq!((missing, twice), (0, 0));
    lab.stop();
    let check = lab.estafeta(&["store", "check"]);
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
    println!("{}", String::from_utf8_lossy(&check.stdout).trim());
}
