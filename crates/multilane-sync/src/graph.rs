//! Who waits for whom.
//!
//! Only a thread that is about to sleep comes here, so that taking what is free costs
//! nothing. It notes what it waits for and follows the holders; where every way ends
//! in a wait that never ends, nobody is left to wake it, and it learns so instead of
//! sleeping. One mutex orders the threads: the last to close a cycle sees all of it.
//!
//! Nothing here is stale in a way that matters. A thread that is noted as waiting for
//! something the running thread holds cannot have got it meanwhile, so it is really
//! waiting and still holds what it held; the same then goes for those who wait for it.
//!
//! A wait whose turn was granted is over, even while its thread has not come to say so.
//!
//! Waits with a timeout are in the graph and never part of a deadlock: they end.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::awaited::Awaited;
use crate::error::SyncError;
use crate::resource::Resource;
use crate::thread::Me;

static DETECTS: AtomicBool = AtomicBool::new(true);

/// Whether waits that can never end are refused.
pub fn detects() -> bool {
    DETECTS.load(Ordering::Relaxed)
}

/// Sets whether waits that can never end are refused.
pub fn set_detects(on: bool) {
    DETECTS.store(on, Ordering::Relaxed);
}

#[cfg(not(loom))]
pub(crate) use process::{after_fork, begin_wait, end_wait, enter, forget, ident, is_gone, leave};
#[cfg(not(loom))]
pub use process::{wait_for, waits};

#[cfg(loom)]
pub use model::wait_for;
#[cfg(loom)]
pub(crate) use model::{after_fork, begin_wait, end_wait, ident, is_gone};

#[cfg(not(loom))]
mod process {
    use std::collections::{HashMap, HashSet};
    use std::sync::{LazyLock, MutexGuard};

    use super::{Awaited, Me, Resource, SyncError, detects};
    use crate::error::{Deadlock, Step, WaitSeen};
    use crate::guarded::{Guarded, Inherit};
    use crate::resource::Needs;
    use crate::thread::{Thread, me};
    use crate::wait::Turn;

    enum On {
        /// The waiting thread keeps it alive until the entry is gone.
        Resource(*const dyn Resource),
        /// So does that function for this.
        Awaited(*const dyn Awaited),
    }

    struct Waiting {
        on: On,
        /// Lives as long as the entry, like the resource.
        turn: Option<*const Turn>,
        endless: bool,
    }

    // SAFETY: resources and turns are shared between threads; see `On` and `turn` for how long they live.
    unsafe impl Send for Waiting {}

    impl Waiting {
        /// Whether it ends only when somebody else acts; one whose turn was granted is over.
        fn is_stuck_alone(&self) -> bool {
            // SAFETY: see `turn`; entries are removed under the mutex this is called under.
            self.endless && self.turn.is_none_or(|turn| unsafe { &*turn }.is_waiting())
        }
    }

    struct Node {
        ident: u64,
        /// Its waits; each but the first began in the handler of a signal during the one before.
        waits: Vec<Waiting>,
        /// It runs its last code, in which it wakes who waits for what it held.
        ending: bool,
    }

    impl Node {
        fn new(thread: &Thread) -> Self {
            Self {
                ident: thread.ident,
                waits: Vec::new(),
                ending: false,
            }
        }
    }

    #[derive(Default)]
    struct Graph {
        threads: HashMap<u32, Node>,
        /// Their ids, by what the system calls them.
        ids: HashMap<u64, u32>,
    }

    impl Inherit for Graph {
        fn inherit(&mut self) {}
    }

    static GRAPH: LazyLock<Guarded<Graph>> = LazyLock::new(|| Guarded::new(Graph::default()));

    fn graph() -> MutexGuard<'static, Graph> {
        GRAPH.lock()
    }

    /// A new thread.
    pub(crate) fn enter(thread: &Thread) {
        graph().insert(thread);
    }

    /// A thread that ends; what it holds is abandoned.
    pub(crate) fn leave(me: &Me) {
        if let Some(node) = graph().threads.get_mut(&me.id) {
            node.ending = true;
        }
    }

    /// A thread that touches nothing any more.
    pub(crate) fn forget(me: &Me) {
        let mut graph = graph();
        graph.threads.remove(&me.id);
        graph.ids.remove(&me.ident);
    }

    /// Whether a thread has ended and touches nothing any more.
    pub(crate) fn is_gone(id: u32) -> bool {
        !graph().threads.contains_key(&id)
    }

    /// What the system calls a thread; 0 once it has ended.
    pub(crate) fn ident(id: u32) -> u64 {
        graph().threads.get(&id).map_or(0, |node| node.ident)
    }

    /// In the child of a fork, only the running thread is left.
    pub(crate) fn after_fork() {
        let me = me();
        let mut graph = graph();
        *graph = Graph::default();
        graph.insert(&me);
    }

    /// Notes the wait, unless it would never end.
    pub(crate) fn begin_wait(me: &Me, on: &dyn Resource, turn: &Turn, endless: bool) -> Result<(), SyncError> {
        // SAFETY: only forgets how long it lives: `end_wait` removes the entry before
        // the borrow of the waiting function ends.
        let on: *const (dyn Resource + 'static) = unsafe { std::mem::transmute(on) };
        begin(me, On::Resource(on), Some(turn), endless)
    }

    fn begin(me: &Me, on: On, turn: Option<*const Turn>, endless: bool) -> Result<(), SyncError> {
        let mut graph = graph();
        graph.node(me).waits.push(Waiting { on, turn, endless });
        let refused = graph.refuse(me.id);
        if let Some(error) = refused {
            graph.node(me).waits.pop();
            return Err(error);
        }
        me.waits.set(me.waits.get() + 1);
        Ok(())
    }

    /// The wait is over.
    pub(crate) fn end_wait(me: &Me) {
        me.waits.set(me.waits.get().saturating_sub(1));
        graph().node(me).waits.pop();
    }

    /// Runs `wait`, which returns when that has come about, unless it never can.
    ///
    /// # Errors
    /// [`SyncError::Deadlock`] where every thread that can bring it about waits, in the end, for this one.
    pub fn wait_for<T>(what: &dyn Awaited, endless: bool, wait: impl FnOnce() -> T) -> Result<T, SyncError> {
        struct Over<'me>(&'me Me);
        impl Drop for Over<'_> {
            fn drop(&mut self) {
                end_wait(self.0);
            }
        }

        let me = me();
        // SAFETY: only forgets how long it lives: `Over` removes the entry before this function ends.
        let what: *const (dyn Awaited + 'static) = unsafe { std::mem::transmute(what) };
        begin(&me, On::Awaited(what), None, endless)?;
        let _over = Over(&me);
        Ok(wait())
    }

    /// What every thread waits for now that waits for something with a holder, the innermost wait of each.
    pub fn waits() -> Vec<WaitSeen> {
        let graph = graph();
        let seen = graph.threads.values().filter_map(|node| {
            let waiting = node
                .waits
                .last()
                .filter(|waiting| matches!(waiting.on, On::Resource(_)))?;
            let mut holders = Vec::new();
            graph.holders(waiting, &mut holders);
            let holders: Vec<u64> = holders
                .iter()
                .filter_map(|holder| Some(graph.threads.get(holder)?.ident))
                .collect();
            (!holders.is_empty()).then(|| WaitSeen {
                thread: node.ident,
                waits_for: label(&waiting.on),
                holders,
                taken_at: taken_at(&waiting.on),
            })
        });
        seen.collect()
    }

    impl Graph {
        fn insert(&mut self, thread: &Thread) {
            self.threads.insert(thread.id, Node::new(thread));
            self.ids.insert(thread.ident, thread.id);
        }

        fn node(&mut self, me: &Me) -> &mut Node {
            self.threads.entry(me.id).or_insert_with(|| Node::new(me))
        }

        /// What the thread waits for, with the threads that hold it.
        fn holders(&self, waiting: &Waiting, into: &mut Vec<u32>) -> Needs {
            match waiting.on {
                // SAFETY: see `On`; entries are removed under the mutex this is called under.
                On::Resource(on) => unsafe { &*on }.holders(into),
                On::Awaited(what) => {
                    let mut threads = Vec::new();
                    // SAFETY: as above.
                    unsafe { &*what }.threads(&mut threads);
                    let ids = threads.iter().map(|ident| self.ids.get(ident).copied());
                    // One that never came here, or is about to end, need not wait for anybody.
                    let known = ids.map(|id| id.filter(|id| !self.is_dead(*id)));
                    into.extend(known.collect::<Option<Vec<u32>>>().unwrap_or_default());
                    Needs::Any
                }
            }
        }

        fn is_dead(&self, id: u32) -> bool {
            self.threads.get(&id).is_none_or(|node| node.ending)
        }

        /// Why the thread that is about to wait must not.
        fn refuse(&self, id: u32) -> Option<SyncError> {
            let waiting = self.threads.get(&id)?.waits.last()?;
            let mut holders = Vec::new();
            let needs = self.holders(waiting, &mut holders);
            if holders.is_empty() {
                return None;
            }
            if matches!(waiting.on, On::Resource(_)) {
                let mut dead = holders.iter().map(|holder| self.is_dead(*holder));
                let abandoned = match needs {
                    Needs::All => dead.any(|dead| dead),
                    Needs::Any => dead.all(|dead| dead),
                };
                if abandoned {
                    return Some(SyncError::Abandoned {
                        what: label(&waiting.on),
                    });
                }
            }
            if !waiting.endless || !detects() {
                return None;
            }
            let stuck = self.stuck(id);
            stuck
                .contains(&id)
                .then(|| SyncError::Deadlock(Box::new(self.cycle(id, &stuck))))
        }

        /// Of the threads this one waits for, directly or not, those that can never go on.
        ///
        /// Starts from all that wait for ever and takes out, until nothing changes, each
        /// that somebody is left to wake.
        fn stuck(&self, id: u32) -> HashSet<u32> {
            let mut waits: Vec<(u32, Needs, Vec<u32>)> = Vec::new();
            let mut seen = HashSet::from([id]);
            let mut next = vec![id];
            while let Some(thread) = next.pop() {
                let Some(waiting) = self.threads.get(&thread).and_then(|node| node.waits.last()) else {
                    continue;
                };
                let mut holders = Vec::new();
                let needs = self.holders(waiting, &mut holders);
                if !waiting.is_stuck_alone() || holders.is_empty() {
                    continue;
                }
                next.extend(holders.iter().copied().filter(|holder| seen.insert(*holder)));
                waits.push((thread, needs, holders));
            }
            let mut stuck: HashSet<u32> = waits.iter().map(|(thread, ..)| *thread).collect();
            loop {
                let before = stuck.len();
                for (thread, needs, holders) in &waits {
                    let mut blocked = holders
                        .iter()
                        .map(|holder| stuck.contains(holder) || self.is_dead(*holder));
                    let stays = match needs {
                        Needs::All => blocked.any(|blocked| blocked),
                        Needs::Any => blocked.all(|blocked| blocked),
                    };
                    if !stays {
                        stuck.remove(thread);
                    }
                }
                if stuck.len() == before {
                    return stuck;
                }
            }
        }

        /// Follows stuck threads from this one until one comes again.
        fn cycle(&self, id: u32, stuck: &HashSet<u32>) -> Deadlock {
            let mut path: Vec<u32> = Vec::new();
            let mut steps: Vec<Step> = Vec::new();
            let mut thread = id;
            loop {
                if let Some(start) = path.iter().position(|seen| *seen == thread) {
                    steps.drain(..start);
                    return Deadlock { steps };
                }
                let Some((node, waiting)) = self
                    .threads
                    .get(&thread)
                    .and_then(|node| Some((node, node.waits.last()?)))
                else {
                    return Deadlock { steps };
                };
                path.push(thread);
                steps.push(Step {
                    thread: node.ident,
                    waits_for: label(&waiting.on),
                    taken_at: taken_at(&waiting.on),
                });
                let mut holders = Vec::new();
                self.holders(waiting, &mut holders);
                match holders.into_iter().find(|holder| stuck.contains(holder)) {
                    Some(holder) => thread = holder,
                    None => return Deadlock { steps },
                }
            }
        }
    }

    fn label(on: &On) -> String {
        match on {
            // SAFETY: see `On`.
            On::Resource(on) => unsafe { &**on }.label(),
            // SAFETY: see `On`.
            On::Awaited(what) => unsafe { &**what }.label(),
        }
    }

    fn taken_at(on: &On) -> Option<(usize, usize)> {
        match on {
            // SAFETY: see `On`.
            On::Resource(on) => unsafe { &**on }.taken_at(),
            // SAFETY: see `On`.
            On::Awaited(what) => unsafe { &**what }.asked_at(),
        }
    }
}

/// A model has no cycles but those it looks for: a thread that waits for ever fails it.
#[cfg(loom)]
mod model {
    use super::{Awaited, Me, Resource, SyncError};
    use crate::wait::Turn;

    pub(crate) fn after_fork() {}

    pub(crate) fn begin_wait(_me: &Me, _on: &dyn Resource, _turn: &Turn, _endless: bool) -> Result<(), SyncError> {
        Ok(())
    }

    pub(crate) fn end_wait(_me: &Me) {}

    pub(crate) fn is_gone(_id: u32) -> bool {
        false
    }

    pub(crate) fn ident(id: u32) -> u64 {
        id.into()
    }

    /// See the one outside of models.
    ///
    /// # Errors
    /// Never.
    pub fn wait_for<T>(_what: &dyn Awaited, _endless: bool, wait: impl FnOnce() -> T) -> Result<T, SyncError> {
        Ok(wait())
    }
}
