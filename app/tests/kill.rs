//! The real process, killed with SIGKILL under mixed load — delivery, flags, moves, expunges, mail
//! brought from elsewhere, backups, collection — opened again, and compared with the lists of those
//! who were told that something is done. `ESTAFETA_KILLS` says how often (3).

#[path = "kill/command.rs"]
mod command;
#[path = "kill/imap.rs"]
mod imap;
mod support;

use command::Operator;
use imap::User;
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use support::Lab;
use support::client::Client;

/// Sessions that deliver, and the least time between two messages of one: the disk shall be busy with
/// everything else too.
const SESSIONS: usize = 8;
const PACE: Duration = Duration::from_millis(8);
/// People who work by IMAP.
const USERS: usize = 4;
/// UIDs read at once in the end.
const PAGE: u32 = 4_000;

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
            // Every 100th is too large to travel inside the log.
            let size =
                if id.is_multiple_of(100) { 400_000 } else { 2_000 + (id as usize * 37) % 6_000 };
            let line = format!("{}\r\n", "x".repeat(70));
            let body = line.repeat(size / line.len());
            let message = format!("Message-ID: <kill.{id}@client.example>\r\n\r\n{body}.\r\n");
            exchange(&mut client, message.as_bytes(), 250)?;
            acknowledged.lock().unwrap().insert(id, recipients.len() as u32);
            std::thread::sleep(PACE);
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

/// How often each message stands in a mailbox. Every octet of every message reads back and passes
/// its checksum.
fn mailbox(lab: &Lab, user: &str) -> HashMap<u64, u32> {
    let mut client = Client::connect(lab.port("imap"));
    client.read_line();
    client.imap(&format!("LOGIN {user} {user}"));
    let selected = client.imap("SELECT INBOX");
    let next = selected.iter().find_map(|line| line.split_once("[UIDNEXT "));
    let next: u32 = next.unwrap().1.split(']').next().unwrap().parse().unwrap();
    let mut found = HashMap::new();
    for first in (1..next).step_by(PAGE as usize) {
        let last = first + PAGE - 1;
        for line in client.imap(&format!("UID FETCH {first}:{last} BODY.PEEK[]")) {
            if let Some((_, rest)) = line.split_once("Message-ID: <kill.") {
                let id = rest.split('@').next().unwrap().parse().unwrap();
                *found.entry(id).or_insert(0) += 1;
            }
        }
    }
    found
}

#[test]
fn nothing_that_was_acknowledged_is_lost_by_kills() {
    let kills: u64 = std::env::var("ESTAFETA_KILLS").map_or(3, |v| v.parse().unwrap());
    let begun = Instant::now();
    let mut lab = Lab::start();
    let acknowledged = Mutex::new(HashMap::new());
    let next = AtomicU64::new(0);
    let mut users: Vec<User> = (0..USERS).map(User::new).collect();
    let mut operator = Operator::new(&lab);
    for kill in 0..kills {
        operator.grow();
        let stop = AtomicBool::new(false);
        let (smtp, imap) = (lab.port("smtp"), lab.port("imap"));
        std::thread::scope(|scope| {
            let (stop, next, acknowledged, operator) = (&stop, &next, &acknowledged, &operator);
            for _ in 0..SESSIONS {
                scope.spawn(move || sender(smtp, next, stop, acknowledged));
            }
            users.iter_mut().for_each(|user| drop(scope.spawn(move || user.work(imap, stop))));
            scope.spawn(move || imap::litter(imap, stop));
            scope.spawn(move || operator.import_all(stop));
            scope.spawn(move || operator.backup_all(stop));
            // Different each time, so that it falls on different work: filling, checkpoint, switch.
            std::thread::sleep(Duration::from_millis(150 + (kill * 397) % 1700));
            // No command begins any more: without a server it would open the store itself.
            stop.store(true, Ordering::Relaxed);
            lab.kill();
        });
        lab.run();
        users.iter_mut().for_each(|user| user.compare(&lab));
    }
    let found = [mailbox(&lab, "ana"), mailbox(&lab, "bob")];
    let acknowledged = acknowledged.into_inner().unwrap();
    assert!(acknowledged.len() > 50, "only {} acknowledged", acknowledged.len());
    let mut missing = 0;
    for (id, mailboxes) in &acknowledged {
        let copies: u32 = found.iter().map(|f| f.get(id).copied().unwrap_or(0)).sum();
        missing += mailboxes.saturating_sub(copies);
    }
    let twice = found.iter().flat_map(|f| f.values()).filter(|count| **count > 1).count();
    let seconds = begun.elapsed().as_secs();
    println!(
        "{kills} kills in {seconds} s: {} delivered, {missing} missing, {twice} twice in one mailbox",
        acknowledged.len()
    );
    users.iter().for_each(|user| println!("{:?}", user.counts));
    println!("{} messages to be brought, {:?}", operator.written, operator.counts);
    assert_eq!((missing, twice), (0, 0));
    operator.compare(&lab);
    let stats = lab.estafeta(&["store", "stats"]);
    println!("{}", String::from_utf8_lossy(&stats.stdout).trim());
    lab.stop();
    let check = lab.estafeta(&["store", "check"]);
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
    println!("{}", String::from_utf8_lossy(&check.stdout).trim());
}
