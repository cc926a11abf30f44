//! Work done, counted from outside: how often the real process syncs.

mod support;

use std::collections::HashMap;
use std::process::Command;
use support::client::Client;
use support::{Lab, binary, have};

/// Messages sent in each run.
const MESSAGES: usize = 500;
/// What is counted.
const SYNCS: &str = "fsync,fdatasync,sync_file_range,msync,syncfs";
/// What a sync takes at least, as on a disk of the ordinary kind. On one that answers at once nobody
/// has to wait, and so nobody shares.
const SYNC_MICROSECONDS: u32 = 3000;

/// Runs a lab under strace while `sessions` send, and counts its calls of fsync and its kind: all but
/// those of the log's next segment, which is made in advance, at its own pace, while nobody waits.
fn syncs(sessions: usize) -> u64 {
    let mut lab = Lab::prepare();
    // The first start makes certificates and accounts, which sync too: not what is counted.
    lab.run();
    lab.stop();
    let counts = lab.folder().join("strace");
    let mut command = Command::new("strace");
    let inject = format!("inject={SYNCS}:delay_exit={SYNC_MICROSECONDS}");
    command.args([
        "-f",
        "--seccomp-bpf",
        "-y",
        "-e",
        &format!("trace={SYNCS}"),
        "-e",
        &inject,
        "-o",
    ]);
    command.arg(&counts).arg(binary()).args(lab.arguments());
    lab.spawn(command);
    let port = lab.port("smtp");
    let threads: Vec<_> = (0..sessions)
        .map(|_| std::thread::spawn(move || send(port, MESSAGES / sessions)))
        .collect();
    threads.into_iter().for_each(|t| t.join().unwrap());
    terminate_child_of(lab.pid());
    lab.wait();
    count(&std::fs::read_to_string(&counts).unwrap())
}

/// Lines are `PID fdatasync(7</a/path>) = 0`, or end in `<unfinished ...>` and are resumed later.
fn count(trace: &str) -> u64 {
    let mut files: HashMap<&str, u64> = HashMap::new();
    for line in trace.lines().filter(|line| !line.contains("resumed>")) {
        let path = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
        if let (true, Some((path, _))) = (line.contains("sync"), path) {
            *files.entry(path).or_default() += 1;
        }
    }
    let is_segment = |path: &str| path.contains("/seg/");
    let of_segments = files.iter().filter(|(path, _)| is_segment(path)).map(|(_, count)| *count);
    let log = of_segments.max().expect("the log is synced");
    let others = files.iter().filter(|(path, _)| !is_segment(path)).map(|(_, count)| count);
    log + others.sum::<u64>()
}

/// strace passes no SIGTERM on; its child is asked itself.
fn terminate_child_of(tracer: u32) {
    let children = std::fs::read_to_string(format!("/proc/{tracer}/task/{tracer}/children"));
    let children = children.unwrap();
    let pid = children.split_whitespace().next().expect("strace has a child");
    assert!(Command::new("kill").args(["-TERM", pid]).status().unwrap().success());
}

fn send(port: u16, count: usize) {
    let mut client = Client::connect(port);
    client.reply().unwrap();
    client.smtp("EHLO sender.example", 250);
    for number in 0..count {
        client.smtp("MAIL FROM:<sender@client.example>", 250);
        client.smtp("RCPT TO:<ana@mired.org>", 250);
        client.smtp("DATA", 354);
        client.smtp(&format!("Subject: {number}\r\n\r\n{}\r\n.", "x".repeat(4000)), 250);
    }
}

#[test]
fn one_session_costs_one_sync_a_message_and_fifty_share_them() {
    if !have("strace") {
        return;
    }
    let (alone, together) = (syncs(1), syncs(50));
    println!("{MESSAGES} messages: {alone} syncs in 1 session, {together} in 50 sessions");
    // A few come on top for the checkpoint.
    let few = 40;
    assert!(alone >= MESSAGES as u64, "{alone} syncs: not every message was made durable");
    assert!(alone <= MESSAGES as u64 + few, "{alone} syncs for {MESSAGES} messages");
    assert!(together <= MESSAGES as u64 / 5, "{together} syncs for {MESSAGES} messages");
}
