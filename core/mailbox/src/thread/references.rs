//! The REFERENCES algorithm (RFC 5256 §3), over numbers alone: no recursion, and no more steps than
//! [`STEPS_MAX`] to keep out circles.

use super::{Facts, Threaded};
use std::collections::HashMap;

/// Steps up a tree, all together, to see whether a link would close a circle. Once they are used
/// up, links that would need more are not made: such messages begin threads of their own.
const STEPS_MAX: usize = 5_000_000;
/// No container.
const NONE: u32 = u32::MAX;

/// The threads of `facts`, which are in the order of the mailbox.
pub(super) fn threads(facts: &[Facts]) -> Vec<Threaded> {
    let mut forest = Links::of(facts).into_forest(facts);
    forest.sort_all();
    forest.gather_subjects();
    forest.sort_all();
    forest.preorder()
}

/// Step 1: who answers whom. A container is a message, or one that is only spoken of.
struct Links {
    /// The message in a container, by its place in the facts.
    message: Vec<Option<u32>>,
    parent: Vec<u32>,
    children: Vec<u32>,
    of_id: HashMap<u64, u32>,
    steps: usize,
}

impl Links {
    fn of(facts: &[Facts]) -> Links {
        let mut links = Links {
            message: Vec::with_capacity(facts.len()),
            parent: Vec::new(),
            children: Vec::new(),
            of_id: HashMap::with_capacity(facts.len()),
            steps: 0,
        };
        for (i, fact) in facts.iter().enumerate() {
            links.add(i as u32, fact);
        }
        links
    }

    fn container(&mut self) -> u32 {
        self.message.push(None);
        self.parent.push(NONE);
        self.children.push(0);
        self.message.len() as u32 - 1
    }

    fn container_of(&mut self, id: u64) -> u32 {
        if let Some(container) = self.of_id.get(&id) {
            return *container;
        }
        let container = self.container();
        self.of_id.insert(id, container);
        container
    }

    fn add(&mut self, message: u32, fact: &Facts) {
        let mut last = NONE;
        for id in &fact.ancestors {
            let container = self.container_of(*id);
            if last != NONE && self.parent[container as usize] == NONE {
                self.link(last, container);
            }
            last = container;
        }
        let this = match fact.id.map(|id| self.container_of(id)) {
            Some(container) if self.message[container as usize].is_none() => container,
            // No identifier, or one that an earlier message has: it is nobody's parent.
            _ => self.container(),
        };
        self.message[this as usize] = Some(message);
        // What other messages said of its parent may have been cut short; its own word counts.
        if self.parent[this as usize] != last {
            self.unlink(this);
            if last != NONE {
                self.link(last, this);
            }
        }
    }

    fn unlink(&mut self, child: u32) {
        let parent = std::mem::replace(&mut self.parent[child as usize], NONE);
        if parent != NONE {
            self.children[parent as usize] -= 1;
        }
    }

    /// Unless that would close a circle.
    fn link(&mut self, parent: u32, child: u32) {
        if !self.is_above(child, parent) {
            self.parent[child as usize] = parent;
            self.children[parent as usize] += 1;
        }
    }

    /// Is `above` the container `below`, or one of those above it? Who has no children is above
    /// nobody, which spares most walks.
    fn is_above(&mut self, above: u32, below: u32) -> bool {
        if above == below {
            return true;
        }
        if self.children[above as usize] == 0 {
            return false;
        }
        let mut at = below;
        while at != NONE {
            self.steps += 1;
            if at == above || self.steps > STEPS_MAX {
                return true;
            }
            at = self.parent[at as usize];
        }
        false
    }

    /// Steps 2 and 3: containers without a message go, and their children take their place; only
    /// one that ties several roots together stays.
    fn into_forest(self, facts: &[Facts]) -> Forest<'_> {
        let mut children = vec![Vec::new(); self.parent.len()];
        let mut order: Vec<u32> = Vec::with_capacity(self.parent.len());
        for (i, parent) in self.parent.iter().enumerate() {
            match children.get_mut(*parent as usize) {
                Some(siblings) => siblings.push(i as u32),
                None => order.push(i as u32),
            }
        }
        let roots = order.len();
        let mut at = 0;
        while let Some(container) = order.get(at) {
            order.extend(&children[*container as usize]);
            at += 1;
        }
        // Children first, so that what they hand up is settled.
        for container in order.iter().rev() {
            let below = std::mem::take(&mut children[*container as usize]);
            let mut kept = Vec::with_capacity(below.len());
            for child in below {
                match self.message[child as usize] {
                    Some(_) => kept.push(child),
                    None => kept.append(&mut children[child as usize]),
                }
            }
            children[*container as usize] = kept;
        }
        let mut kept = Vec::with_capacity(roots);
        for root in &order[..roots] {
            match (self.message[*root as usize], children[*root as usize].as_slice()) {
                (None, []) => {}
                (None, [only]) => kept.push(*only),
                _ => kept.push(*root),
            }
        }
        Forest { facts, message: self.message, children, roots: kept }
    }
}

/// Steps 4 to 6: trees of messages; containers without one are among the roots alone.
struct Forest<'a> {
    facts: &'a [Facts],
    message: Vec<Option<u32>>,
    children: Vec<Vec<u32>>,
    roots: Vec<u32>,
}

impl<'a> Forest<'a> {
    /// The message that speaks for a container: its own, or its first child's.
    fn spokesman(&self, container: u32) -> Option<&'a Facts> {
        let own = self.message[container as usize];
        let first = || self.children[container as usize].first().copied();
        let message = own.or_else(|| first().and_then(|child| self.message[child as usize]));
        message.and_then(|message| self.facts.get(message as usize))
    }

    fn sort(&self, siblings: &mut [u32]) {
        let key = |container: &u32| self.spokesman(*container).map(|fact| (fact.sent, fact.place));
        siblings.sort_by_key(key);
    }

    /// Children first: a container without a message has the date of its first one.
    fn sort_all(&mut self) {
        for container in 0..self.children.len() {
            let mut children = std::mem::take(&mut self.children[container]);
            self.sort(&mut children);
            self.children[container] = children;
        }
        let mut roots = std::mem::take(&mut self.roots);
        self.sort(&mut roots);
        self.roots = roots;
    }

    fn is_dummy(&self, container: u32) -> bool {
        self.message[container as usize].is_none()
    }

    fn is_reply(&self, container: u32) -> bool {
        self.spokesman(container).is_some_and(|fact| fact.is_reply)
    }

    /// Step 5: threads of one subject become one.
    fn gather_subjects(&mut self) {
        let mut table: HashMap<&str, u32> = HashMap::new();
        for root in &self.roots {
            let Some(subject) = self.subject(*root) else { continue };
            let entry = table.entry(subject).or_insert(*root);
            let better = self.is_dummy(*root) || (self.is_reply(*entry) && !self.is_reply(*root));
            if !self.is_dummy(*entry) && better {
                *entry = *root;
            }
        }
        let mut gone = vec![false; self.message.len()];
        let roots = self.roots.clone();
        let mut added = Vec::new();
        for root in roots {
            let Some(subject) = self.subject(root) else { continue };
            let Some(entry) = table.get_mut(subject) else { continue };
            if *entry == root {
                continue;
            }
            let (ours, theirs) = (self.is_dummy(root), self.is_dummy(*entry));
            gone[root as usize] = true;
            if ours && theirs {
                let children = std::mem::take(&mut self.children[root as usize]);
                self.children[*entry as usize].extend(children);
            } else if theirs || (self.is_reply(root) && !self.is_reply(*entry)) {
                self.children[*entry as usize].push(root);
            } else {
                // Neither answers the other: both hang below one that is not there.
                let tie = self.message.len() as u32;
                self.message.push(None);
                self.children.push(vec![*entry, root]);
                gone.push(false);
                gone[*entry as usize] = true;
                *entry = tie;
                added.push(tie);
            }
        }
        self.roots.extend(added);
        self.roots.retain(|root| !gone[*root as usize]);
    }

    fn subject(&self, root: u32) -> Option<&'a str> {
        self.spokesman(root).map(|fact| fact.subject.as_str()).filter(|subject| !subject.is_empty())
    }

    fn preorder(&self) -> Vec<Threaded> {
        let mut out = Vec::with_capacity(self.facts.len());
        let mut waiting: Vec<(u32, usize)> = self.roots.iter().rev().map(|r| (*r, 0)).collect();
        while let Some((container, depth)) = waiting.pop() {
            let message = self.message[container as usize];
            let place = message.and_then(|m| self.facts.get(m as usize)).map(|fact| fact.place);
            out.push(Threaded { place, depth });
            let children = &self.children[container as usize];
            waiting.extend(children.iter().rev().map(|child| (*child, depth + 1)));
        }
        out
    }
}
