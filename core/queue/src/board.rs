//! Who may go next. A picture in memory of what the store holds, made of destinations, not of rows:
//! forgotten with the process, found again by the walk. Does no I/O.

use crate::key::{self, HELD};
use crate::record::Pause;
use crate::site::{CLASSES, Line, PauseChange, Site};
use crate::{Class, Contact, Options, Said};
use core_store::{Key, Page, Value};
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;
use words_base::Timestamp;

/// Rows that are read at once, for one job or several.
pub(crate) const READ_MAX: usize = 200;
/// Due rows that are kept in memory, all destinations together; beyond that each read keeps one job.
const BUFFERED_MAX: usize = 10_000;
/// Destinations without work that are remembered, with how far their rows are read.
const IDLE_MAX: usize = 1_000;
/// Of so many jobs one is taken from the last class, so that bulk mail is late but not forgotten.
const FAIR_TURN: u32 = 8;
/// While a destination is dead, its rows are looked through so often for those whose time is over.
pub(crate) const AGING_INTERVAL: u64 = 30 * 60 * 1000;

/// See the file's first lines.
#[derive(Default)]
pub(crate) struct Board {
    pub sites: HashMap<Arc<str>, Site>,
    /// When which destination is to be looked at; what is due at once is in the rings.
    agenda: BTreeSet<(u64, Arc<str>)>,
    /// For each class, the destinations that may have something due, in turn.
    rings: [VecDeque<Arc<str>>; CLASSES],
    /// Rows that are somebody's.
    leased: HashSet<Key>,
    /// How many jobs there are of each message.
    messages: HashMap<String, u32>,
    /// Rows in all buffers.
    buffered: usize,
    idle: VecDeque<Arc<str>>,
    turn: u32,
    /// Rises when rows are moved by others than their lease's owner.
    epoch: u64,
    /// When the rows of which dead destination are to be looked through.
    pub aging: BTreeSet<(u64, Arc<str>)>,
    /// Has every destination been found?
    pub complete: bool,
    /// Was one passed over because there were too many?
    pub forgotten: bool,
}

/// What is to be done next.
pub(crate) enum Pick {
    /// Nothing that is due may go.
    Nothing,
    /// These rows, of one message: they are leased.
    Job { destination: Arc<str>, rows: Vec<(Key, Value)> },
    /// Rows have to be read; the answer goes to [`Board::fill`].
    Read(Read),
}

/// Rows to be read.
pub(crate) struct Read {
    pub destination: Arc<str>,
    pub class: Class,
    pub range: Range<Key>,
    epoch: u64,
}

impl Board {
    /// There is a row at `key`.
    pub fn note(&mut self, key: &Key, now: u64, options: &Options) {
        let Some(row) = key::parse_row(key) else { return };
        if row.next == HELD {
            return;
        }
        let class = usize::from(row.class.to_octet());
        let Some((name, is_new)) = self.enter(row.destination, row.next, options) else { return };
        let nothing_before = is_new && self.complete && !self.forgotten;
        let Some(site) = self.sites.get_mut(&name) else { return };
        site.next[class] = site.next[class].min(row.next);
        if nothing_before {
            site.line(class).cursor = Some(key.clone());
        } else if let Some(lines) = &mut site.lines {
            lower(&mut lines[class], key);
        }
        self.schedule(&name, now, Turn::Last);
    }

    /// The destination of that name, made if it must be and may be; was it made?
    fn enter(&mut self, name: &str, next: u64, options: &Options) -> Option<(Arc<str>, bool)> {
        if let Some((name, site)) = self.sites.get_key_value(name) {
            let name = name.clone();
            debug_assert!(site.jobs <= options.concurrency_max.max(1));
            return Some((name, false));
        }
        if self.sites.len() >= options.destinations_max && !self.make_room(next) {
            self.forgotten = true;
            return None;
        }
        let name: Arc<str> = name.into();
        self.sites.insert(name.clone(), Site::new(options));
        Some((name, true))
    }

    /// Forgets who has no work, else who has longest to wait, if that is longer than until `next`.
    fn make_room(&mut self, next: u64) -> bool {
        while let Some(name) = self.idle.pop_front() {
            if self.sites.get(&name).is_some_and(|site| site.idle && site.rings == 0) {
                self.forget(&name);
                return true;
            }
        }
        let Some((at, name)) = self.agenda.last().cloned() else { return false };
        let busy = self.sites.get(&name).is_none_or(|site| site.jobs > 0 || site.rings != 0);
        if at <= next || busy {
            return false;
        }
        self.forgotten = true;
        self.forget(&name);
        true
    }

    fn forget(&mut self, name: &Arc<str>) {
        if let Some(site) = self.sites.remove(name) {
            self.agenda.remove(&(site.agenda_at, name.clone()));
            let lines = site.lines.iter().flat_map(|lines| lines.iter());
            self.buffered -= lines.map(|line| line.buffer.len()).sum::<usize>();
        }
    }

    /// Puts a destination where it belongs now: into rings, into the agenda, among the idle.
    fn schedule(&mut self, name: &Arc<str>, now: u64, turn: Turn) {
        let Some(site) = self.sites.get_mut(name) else { return };
        let mut at = site.paused_until(now);
        if at.is_none() {
            for class in 0..CLASSES {
                let bit = 1 << class;
                if !site.is_due(class, now) {
                    at = Some(at.unwrap_or(HELD).min(site.next[class]));
                } else if site.rings & bit == 0 && site.jobs < site.window() {
                    site.rings |= bit;
                    match turn {
                        Turn::First => self.rings[class].push_front(name.clone()),
                        Turn::Last => self.rings[class].push_back(name.clone()),
                    }
                }
            }
        }
        let at = at.unwrap_or(HELD);
        if at != site.agenda_at {
            self.agenda.remove(&(site.agenda_at, name.clone()));
            site.agenda_at = at;
            if at != HELD {
                self.agenda.insert((at, name.clone()));
            }
        }
        let at_rest = site.is_at_rest(now);
        let was_idle = std::mem::replace(&mut site.idle, at_rest);
        if site.idle && !was_idle {
            self.idle.push_back(name.clone());
            self.forget_idle();
        }
    }

    fn forget_idle(&mut self) {
        while self.idle.len() > IDLE_MAX {
            let Some(name) = self.idle.pop_front() else { return };
            if self.sites.get(&name).is_some_and(|site| site.idle && site.rings == 0) {
                self.forget(&name);
            }
        }
    }

    /// What has come due since; is there anything to take?
    pub fn come_due(&mut self, now: u64) -> bool {
        while let Some((at, name)) = self.agenda.first().cloned().filter(|(at, _)| *at <= now) {
            self.agenda.remove(&(at, name.clone()));
            if let Some(site) = self.sites.get_mut(&name) {
                site.agenda_at = HELD;
                self.schedule(&name, now, Turn::Last);
            }
        }
        self.has_ready()
    }

    /// May there be something to take?
    pub fn has_ready(&self) -> bool {
        self.rings.iter().any(|ring| !ring.is_empty())
    }

    /// When the next destination is to be looked at.
    pub fn next_at(&self) -> Option<u64> {
        self.agenda.first().map(|(at, _)| *at)
    }

    /// What is to be done next: a job, or reading for one.
    pub fn pick(&mut self, now: u64, recipients_max: usize) -> Pick {
        self.come_due(now);
        self.turn = self.turn.wrapping_add(1);
        let backwards = self.turn.is_multiple_of(FAIR_TURN);
        for place in 0..CLASSES {
            let class = if backwards { CLASSES - 1 - place } else { place };
            for _ in 0..self.rings[class].len() {
                let Some(name) = self.rings[class].pop_front() else { break };
                if let Some(pick) = self.pick_of(name, class, now, recipients_max) {
                    return pick;
                }
            }
        }
        Pick::Nothing
    }

    fn pick_of(
        &mut self,
        name: Arc<str>,
        class: usize,
        now: u64,
        recipients_max: usize,
    ) -> Option<Pick> {
        let site = self.sites.get_mut(&name)?;
        site.rings &= !(1 << class);
        if !site.may_begin(now) {
            // It comes again when its pause or one of its jobs ends.
            self.schedule(&name, now, Turn::Last);
            return None;
        }
        let due = site.next[class] <= now;
        let line = site.line(class);
        if line.reading {
            return None;
        }
        if let Some(rows) = first_message(&mut line.buffer, recipients_max) {
            site.jobs += 1;
            self.buffered -= rows.len();
            self.lease(&rows);
            self.schedule(&name, now, Turn::Last);
            return Some(Pick::Job { destination: name, rows });
        }
        if !due {
            self.schedule(&name, now, Turn::Last);
            return None;
        }
        line.reading = true;
        let class = Class::ALL[class];
        let mut range = key::line(&name, class);
        if let Some(cursor) = &line.cursor {
            range.start = cursor.clone();
        }
        Some(Pick::Read(Read { destination: name, class, range, epoch: self.epoch }))
    }

    fn lease(&mut self, rows: &[(Key, Value)]) {
        for (key, _) in rows {
            self.leased.insert(key.clone());
        }
        if let Some(row) = rows.first().and_then(|(key, _)| key::parse_row(key)) {
            *self.messages.entry(row.id.to_string()).or_default() += 1;
        }
    }

    /// What was read, or `None` if it could not be.
    pub fn fill(&mut self, read: &Read, page: Option<Page>, now: u64) {
        let class = usize::from(read.class.to_octet());
        let Some(site) = self.sites.get_mut(&read.destination) else { return };
        let line = site.line(class);
        line.reading = false;
        let lowered = line.lowered.take();
        let ended = std::mem::take(&mut line.ended);
        if let Some(page) = page.filter(|_| read.epoch == self.epoch) {
            let is_free = |key: &Key| !self.leased.contains(key) && !ended.contains(key);
            let due = Due::of(page, now, is_free, self.buffered >= BUFFERED_MAX);
            self.buffered += due.rows.len();
            line.buffer.extend(due.rows);
            line.cursor = due.cursor.or(line.cursor.take());
            site.next[class] = due.next;
        }
        if let Some(key) = lowered {
            let next = key::parse_row(&key).map_or(0, |row| row.next);
            site.next[class] = site.next[class].min(next);
            lower(site.line(class), &key);
        }
        self.schedule(&read.destination, now, Turn::First);
    }

    /// A job of `destination` has ended; its rows are nobody's any more.
    pub fn release(&mut self, destination: &Arc<str>, rows: &[(Key, Value)], now: u64) {
        if let Some(row) = rows.first().and_then(|(key, _)| key::parse_row(key))
            && let Some(jobs) = self.messages.get_mut(row.id)
        {
            *jobs -= 1;
            if *jobs == 0 {
                self.messages.remove(row.id);
            }
        }
        for (key, _) in rows {
            self.leased.remove(key);
        }
        if let Some(site) = self.sites.get_mut(destination) {
            site.ended(rows);
            site.jobs = site.jobs.saturating_sub(1);
            self.schedule(destination, now, Turn::Last);
        }
    }

    /// Is a job of the message under way?
    pub fn is_underway(&self, id: &str) -> bool {
        self.messages.contains_key(id)
    }

    /// Is the row somebody's?
    pub fn is_leased(&self, key: &Key) -> bool {
        self.leased.contains(key)
    }

    /// An operator takes rows that are nobody's, to move them: those that he gets. Until he gives
    /// them back with [`Board::give_back`] nobody else has them, and nothing that was read before
    /// counts.
    pub fn seize(&mut self, rows: Vec<(Key, Value)>, now: u64) -> Vec<(Key, Value)> {
        self.epoch += 1;
        let free: Vec<_> = rows.into_iter().filter(|(k, _)| !self.leased.contains(k)).collect();
        for (key, _) in &free {
            self.leased.insert(key.clone());
            let Some(row) = key::parse_row(key) else { continue };
            let Some((name, _)) = self.sites.get_key_value(row.destination) else { continue };
            let name = name.clone();
            self.unread(&name, usize::from(row.class.to_octet()), now);
        }
        free
    }

    /// Forgets what was read ahead.
    fn unread(&mut self, name: &Arc<str>, class: usize, now: u64) {
        let Some(site) = self.sites.get_mut(name) else { return };
        let Some(lines) = &mut site.lines else { return };
        let line = &mut lines[class];
        let Some((first, _)) = line.buffer.front() else { return };
        let (first, next) = (first.clone(), key::parse_row(first).map_or(0, |row| row.next));
        self.buffered -= line.buffer.len();
        line.buffer.clear();
        lower(line, &first);
        site.next[class] = site.next[class].min(next);
        self.schedule(name, now, Turn::Last);
    }

    /// Rows that were seized are nobody's any more.
    pub fn give_back(&mut self, rows: &[(Key, Value)]) {
        self.epoch += 1;
        for (key, _) in rows {
            self.leased.remove(key);
        }
    }

    /// A destination's pause, as it was stored.
    pub fn remember(&mut self, name: &str, pause: Pause, now: u64) {
        let Some((name, _)) = self.sites.get_key_value(name) else { return };
        let name = name.clone();
        if let Some(site) = self.sites.get_mut(&name)
            && site.pause.is_none()
        {
            site.pause = Some(Box::new(pause));
            if !std::mem::replace(&mut site.aging, true) {
                self.aging.insert((now + AGING_INTERVAL, name.clone()));
            }
            self.schedule(&name, now, Turn::Last);
        }
    }

    /// What an attempt says of its destination.
    pub fn learn(
        &mut self,
        name: &Arc<str>,
        contact: Contact,
        said: Option<&Said>,
        at: Timestamp,
        options: &Options,
        chance: u64,
    ) -> PauseChange {
        let now = key::time(at);
        let Some(site) = self.sites.get_mut(name) else { return PauseChange::Same };
        let change = site.learn(contact, said, at, options, chance);
        if matches!(change, PauseChange::Begun(_)) && !std::mem::replace(&mut site.aging, true) {
            self.aging.insert((now + AGING_INTERVAL, name.clone()));
        }
        self.schedule(name, now, Turn::Last);
        change
    }

    /// An operator ends a destination's pause: it may be tried at once.
    pub fn unpause(&mut self, name: &str, now: u64) {
        let Some((name, _)) = self.sites.get_key_value(name) else { return };
        let name = name.clone();
        if let Some(site) = self.sites.get_mut(&name)
            && let Some(pause) = &mut site.pause
        {
            pause.lift(Timestamp::from_millis(now as i64));
            self.schedule(&name, now, Turn::Last);
        }
    }

    /// A dead destination whose rows are to be looked through by now.
    pub fn age(&mut self, now: u64) -> Option<Arc<str>> {
        while let Some((at, name)) = self.aging.first().cloned().filter(|(at, _)| *at <= now) {
            self.aging.remove(&(at, name.clone()));
            let Some(site) = self.sites.get_mut(&name) else { continue };
            if site.pause.is_some() {
                self.aging.insert((now + AGING_INTERVAL, name.clone()));
                return Some(name);
            }
            site.aging = false;
        }
        None
    }

    /// The pause of a destination.
    pub fn pause(&self, name: &str) -> Option<&Pause> {
        self.sites.get(name)?.pause.as_deref()
    }
}

/// Where in the rings.
#[derive(Clone, Copy)]
enum Turn {
    First,
    Last,
}

/// There is a row at `key`, perhaps before what is read.
fn lower(line: &mut Line, key: &Key) {
    if line.reading && line.lowered.as_ref().is_none_or(|lowered| key < lowered) {
        line.lowered = Some(key.clone());
    }
    if line.cursor.as_ref().is_some_and(|cursor| key < cursor) {
        line.cursor = Some(key.clone());
    }
}

/// The first rows of a buffer that are of one message, at most `count_max`.
fn first_message(
    buffer: &mut VecDeque<(Key, Value)>,
    count_max: usize,
) -> Option<Vec<(Key, Value)>> {
    let id = key::parse_row(&buffer.front()?.0).map(|row| row.id.to_string());
    let same = |(key, _): &&(Key, Value)| key::parse_row(key).map(|row| row.id) == id.as_deref();
    let count = buffer.iter().take(count_max.max(1)).take_while(same).count();
    Some(buffer.drain(..count.max(1)).collect())
}

/// What of a page is due.
struct Due {
    rows: Vec<(Key, Value)>,
    /// Behind the last row that counts as read.
    cursor: Option<Key>,
    /// The time of the first row that does not.
    next: u64,
}

impl Due {
    /// `is_free`: is a row nobody's? `sparing`: the first message's rows are enough.
    fn of(page: Page, now: u64, is_free: impl Fn(&Key) -> bool, sparing: bool) -> Due {
        let mut due = Due { rows: Vec::new(), cursor: None, next: HELD };
        let (mut last_id, mut group) = (String::new(), 0);
        let more = page.rest.is_some();
        for (key, value) in page.pairs {
            let Some(row) = key::parse_row(&key) else { continue };
            if row.next > now {
                due.next = row.next;
                return due;
            }
            if row.id != last_id {
                if sparing && !due.rows.is_empty() {
                    due.next = row.next;
                    return due;
                }
                last_id.clear();
                last_id.push_str(row.id);
                group = due.rows.len();
            }
            due.cursor = Some(key::after(&key));
            if is_free(&key) {
                due.rows.push((key::owned(&key), Value::copy_from_slice(&value)));
            }
        }
        if more {
            due.next = 0;
            // The last message may go on: one job takes it whole.
            if group > 0 && group < due.rows.len() {
                due.cursor = Some(due.rows[group].0.clone());
                due.rows.truncate(group);
            }
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::slice;

    const SITE: &str = "far.org";
    const NOW: u64 = 100;

    fn key(at: u64, id: &str) -> Key {
        key::row(SITE, Class::Interactive, at, id, 0)
    }

    fn page(keys: &[Key]) -> Page {
        let pairs = keys.iter().map(|key| (key.clone(), Value::new())).collect();
        Page { pairs, rest: None }
    }

    struct Scene {
        board: Board,
        options: Options,
    }

    impl Scene {
        fn new() -> Scene {
            Scene { board: Board::default(), options: Options::new("x.org") }
        }

        fn note(&mut self, key: &Key) {
            self.board.note(key, NOW, &self.options);
        }

        fn read(&mut self) -> Read {
            match self.board.pick(NOW, 100) {
                Pick::Read(read) => read,
                Pick::Job { .. } => panic!("a job"),
                Pick::Nothing => panic!("nothing"),
            }
        }

        /// The keys of the next job; none if there is none.
        fn job(&mut self) -> Vec<Key> {
            loop {
                match self.board.pick(NOW, 100) {
                    Pick::Job { rows, .. } => {
                        return rows.into_iter().map(|(key, _)| key).collect();
                    }
                    Pick::Read(read) => self.board.fill(&read, Some(page(&[])), NOW),
                    Pick::Nothing => return Vec::new(),
                }
            }
        }

        /// The job of a row ends.
        fn release(&mut self, key: &Key) {
            self.board.release(&SITE.into(), &[(key.clone(), Value::new())], NOW);
        }

        /// The job of the later row is out, and the one before, which came after it, is being read.
        fn reading(&mut self, before: &Key, later: &Key) -> Read {
            self.note(later);
            let read = self.read();
            self.board.fill(&read, Some(page(slice::from_ref(later))), NOW);
            assert_eq!(self.job(), slice::from_ref(later));
            self.note(before);
            let read = self.read();
            assert!(read.range.contains(later), "what is leased is read again");
            read
        }
    }

    #[test]
    fn a_row_whose_job_ends_while_it_is_read_again_is_not_taken_twice() {
        let (mut scene, before, later) = (Scene::new(), key(10, "a"), key(20, "b"));
        let read = scene.reading(&before, &later);
        // Read before the job had written down what happened, put in after it had.
        scene.release(&later);
        scene.board.fill(&read, Some(page(&[before.clone(), later])), NOW);
        assert_eq!(scene.job(), [before]);
        assert_eq!(scene.job(), [] as [Key; 0]);
    }

    #[test]
    fn a_row_whose_job_is_given_up_while_it_is_read_again_is_due() {
        let (mut scene, before, later) = (Scene::new(), key(10, "a"), key(20, "b"));
        let read = scene.reading(&before, &later);
        scene.release(&later);
        scene.note(&later);
        scene.board.fill(&read, Some(page(&[before.clone(), later.clone()])), NOW);
        assert_eq!(scene.job(), [before]);
        let read = scene.read();
        assert!(read.range.contains(&later));
        scene.board.fill(&read, Some(page(slice::from_ref(&later))), NOW);
        assert_eq!(scene.job(), [later]);
    }
}
