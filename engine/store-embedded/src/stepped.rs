//! The store's own work as steps: each thread takes its own and repeats them; a simulation takes all
//! of them and decides which comes next.

use crate::checkpoint::Checkpointer;
use crate::collect::Collector;
use crate::committer::Committer;
use crate::thread;
use crate::twin::Copier;
use std::io;
use std::thread::JoinHandle;

/// What a store has to do besides answering. Dropped, nothing is done any more, as in a crash.
pub struct Steps {
    committer: Committer,
    checkpointer: Checkpointer,
    collector: Collector,
    copier: Copier,
}

impl Steps {
    pub(crate) fn new(
        committer: Committer,
        checkpointer: Checkpointer,
        collector: Collector,
        copier: Copier,
    ) -> Steps {
        Steps { committer, checkpointer, collector, copier }
    }

    /// Each on a thread.
    pub(crate) fn spawn(self) -> io::Result<Vec<JoinHandle<()>>> {
        let Steps { committer, checkpointer, collector, copier } = self;
        Ok(vec![
            thread::spawn("committer", move || committer.run())?,
            thread::spawn("checkpoint", move || checkpointer.run())?,
            thread::spawn("collector", move || collector.run())?,
            thread::spawn("copier", move || copier.run())?,
        ])
    }

    /// Makes one batch of what waits, syncs, and answers. `false` if nothing waits, or must.
    pub fn commit(&mut self) -> bool {
        let done = self.committer.step();
        self.committer.end_if_failed();
        done
    }

    /// Writes the checkpoint that has begun, and the second copy of the metadata if it is time for
    /// one. `false` if none has.
    pub fn checkpoint(&mut self) -> bool {
        let done = self.checkpointer.step();
        self.committer.end_if_failed();
        self.copier.step();
        done
    }

    /// The time for a checkpoint has come: begins one with the next commit.
    pub fn checkpoint_due(&mut self) {
        self.checkpointer.step_due();
    }

    /// Empties a sparse segment after a checkpoint. `false` if there was none.
    pub fn collect(&mut self) -> bool {
        let committer = &mut self.committer;
        let mut commit = || while committer.step() {};
        let done = self.collector.step(&mut commit);
        self.committer.end_if_failed();
        done
    }

    /// Makes the log's next segment. `false` if it is not wanted.
    pub fn prepare_segment(&mut self) -> bool {
        self.committer.step_spare()
    }

    /// Does what is left, writes the last checkpoint, and ends.
    pub fn close(mut self) {
        while self.committer.step() || self.checkpointer.step() {}
        self.committer.freeze();
        drop(self.committer);
        while self.checkpointer.step() {}
        self.checkpointer.end();
    }
}
