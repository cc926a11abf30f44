//! Scripted clients: what each does is rolled; what it was told goes into the ledger.

mod imap;
mod pop3;
mod response;
mod smtp;

use crate::executor::{Micros, Side, World};
use crate::house::{House, NAMES, Protocol};
use crate::ledger::Ledger;
use crate::letter::{Letter, Token};
use crate::network::End;
use core_store::suite::Dice;
use std::cell::RefCell;
use std::rc::Rc;

/// How long a client waits at most between two things it does.
const PAUSE: Micros = 60_000;
/// After so long without an answer a client hangs up.
const PATIENCE: Micros = 30_000_000;
/// Octets after which a connection breaks, at most, if it breaks.
const BREAKS_AFTER: u64 = 9_000;

/// What all clients share.
#[derive(Clone)]
pub struct Company {
    /// The world.
    pub world: World,
    /// Nothing while the process is down.
    pub house: Rc<RefCell<Option<House>>>,
    /// What they were told.
    pub ledger: Rc<RefCell<Ledger>>,
    /// Nobody begins anything new.
    pub closing: Rc<std::cell::Cell<bool>>,
    /// The last letter's number.
    pub letters: Rc<std::cell::Cell<Token>>,
    /// Connections that their clients have not given up.
    pub lines: Rc<std::cell::Cell<usize>>,
}

/// The connection was lost.
pub struct Lost;

/// One connection, from the client's side.
pub struct Line {
    end: End,
    world: World,
    buffer: Vec<u8>,
    count: Rc<std::cell::Cell<usize>>,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.count.set(self.count.get() - 1);
    }
}

impl Company {
    /// Connects, if anybody is there.
    pub fn connect(&self, protocol: Protocol, dice: &mut Dice) -> Result<Line, Lost> {
        let breaks = dice.once_in(4).then(|| dice.below(BREAKS_AFTER));
        let house = self.house.borrow();
        let house = house.as_ref().ok_or(Lost)?;
        let end = house.connect(&self.world, protocol, breaks);
        let count = self.lines.clone();
        count.set(count.get() + 1);
        Ok(Line { end, world: self.world.clone(), buffer: Vec::new(), count })
    }

    /// Is there time for more?
    pub fn goes_on(&self) -> bool {
        !self.closing.get()
    }

    /// Does nothing for a while.
    pub async fn pause(&self, dice: &mut Dice) {
        self.world.sleep(dice.below(PAUSE)).await;
    }

    /// A new letter.
    pub fn letter(&self, dice: &mut Dice) -> Letter {
        let token = self.letters.get() + 1;
        self.letters.set(token);
        let letter = Letter::write(token, dice);
        self.ledger.borrow_mut().letters.insert(token, letter.clone());
        letter
    }

    /// Lets everybody in.
    pub fn start(&self) {
        for (number, name) in NAMES.into_iter().enumerate() {
            let workers = if number == 0 { 2 } else { 1 };
            for worker in 0..workers {
                let is_gardener = worker == 0;
                let (company, dice) = (self.clone(), self.world.dice());
                self.world.spawn(
                    Side::Client,
                    imap::Worker::new(company, (number, name), is_gardener, dice).work(),
                );
            }
            if number < 2 {
                let (company, dice) = (self.clone(), self.world.dice());
                self.world.spawn(Side::Client, pop3::work(company, (number, name), dice));
            }
        }
        for _ in 0..2 {
            let (company, dice) = (self.clone(), self.world.dice());
            self.world.spawn(Side::Client, smtp::work(company, dice));
        }
    }
}

impl Line {
    /// Sends octets.
    pub fn send(&self, octets: &[u8]) {
        self.end.send(octets);
    }

    async fn more(&mut self) -> Result<(), Lost> {
        let until = self.world.now() + PATIENCE;
        let (end, world) = (&self.end, &self.world);
        let octets = std::future::poll_fn(|cx| {
            if let std::task::Poll::Ready(octets) = end.poll_read(cx) {
                return std::task::Poll::Ready(octets);
            }
            world.poll_until(until, cx).map(|()| Vec::new())
        })
        .await;
        if octets.is_empty() {
            return Err(Lost);
        }
        self.buffer.extend_from_slice(&octets);
        Ok(())
    }

    /// The next line, without its end.
    pub async fn line(&mut self) -> Result<Vec<u8>, Lost> {
        let mut from = 0;
        loop {
            if let Some(at) = self.buffer[from..].windows(2).position(|two| two == b"\r\n") {
                let mut line: Vec<u8> = self.buffer.drain(..from + at + 2).collect();
                line.truncate(from + at);
                return Ok(line);
            }
            from = self.buffer.len().saturating_sub(1);
            self.more().await?;
        }
    }

    /// So many octets.
    pub async fn exactly(&mut self, len: usize) -> Result<Vec<u8>, Lost> {
        while self.buffer.len() < len {
            self.more().await?;
        }
        Ok(self.buffer.drain(..len).collect())
    }

    /// Waits until something has come, or for so long.
    pub async fn listen(&mut self, micros: Micros) -> Result<bool, Lost> {
        let until = self.world.now() + micros;
        if !self.buffer.is_empty() {
            return Ok(true);
        }
        let (end, world) = (&self.end, &self.world);
        let octets = std::future::poll_fn(|cx| {
            if let std::task::Poll::Ready(octets) = end.poll_read(cx) {
                return std::task::Poll::Ready(Some(octets));
            }
            world.poll_until(until, cx).map(|()| None)
        })
        .await;
        match octets {
            None => Ok(false),
            Some(octets) if octets.is_empty() => Err(Lost),
            Some(octets) => {
                self.buffer.extend_from_slice(&octets);
                Ok(true)
            }
        }
    }
}
