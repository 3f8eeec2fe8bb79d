//! What one node does about a cluster as it sees it. Without I/O and time: each node decides by itself, and
//! those that see the same decide the same.

use lclq_stores::{Cluster, SeenMember};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Silence after which a node is taken for gone, by the store's clock.
pub const SILENCE_MAX: Duration = Duration::from_secs(5);
/// Shards that a node hands over at once because others joined. One that leaves hands over all.
pub const HANDED_OVER_MAX: usize = 2;

/// What a node has to do with a shard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mine {
    /// Takes it over.
    Opening,
    /// Runs it, in this epoch.
    Open(u64),
    /// Hands it over; until that is done, it is this node's in the store.
    Closing(u64),
}

/// What a node knows when it decides.
pub struct Situation<'a> {
    /// Its own name.
    pub me: &'a str,
    /// It leaves.
    pub draining: bool,
    /// Others have come or gone a moment ago.
    pub unsettled: bool,
    pub shards: u16,
    pub mine: &'a BTreeMap<u16, Mine>,
    /// What the store says.
    pub cluster: &'a Cluster,
    /// Nodes that are gone, whatever the store says.
    pub gone: &'a BTreeSet<Box<str>>,
}

/// What it does.
#[derive(Default, PartialEq, Eq, Debug)]
pub struct Decision {
    /// Shards to take over.
    pub take: Vec<u16>,
    /// Shards to hand over.
    pub give: Vec<u16>,
    /// Shards that another node has taken from this one, which its next commit would find out.
    pub taken: Vec<u16>,
    /// Where others' shards are.
    pub owners: BTreeMap<u16, Box<str>>,
    /// Nobody would take a shard.
    pub nobody_takes: bool,
}

impl Situation<'_> {
    /// Other nodes that live.
    pub fn others(&self) -> BTreeMap<&str, &SeenMember> {
        let members = self.cluster.members.iter();
        let living = members.filter(|seen| {
            let node = &*seen.member.node;
            seen.silent <= SILENCE_MAX && node != self.me && !self.gone.contains(node)
        });
        living.map(|seen| (&*seen.member.node, seen)).collect()
    }

    /// How long until the first of the others is taken for gone, unless it gives a sign of life before.
    pub fn patience(&self) -> Option<Duration> {
        let left = |seen: &SeenMember| SILENCE_MAX.saturating_sub(seen.silent);
        self.others().into_values().map(left).min()
    }

    /// Nodes that take shards: not those that leave, nor those that are to run none, unless that is all of them.
    fn takers<'c>(&'c self, others: &BTreeMap<&'c str, &SeenMember>) -> Vec<&'c str> {
        let staying = others.iter().filter(|(_, seen)| !seen.draining);
        let mut staying: Vec<_> = staying.map(|(node, seen)| (*node, seen.drained)).collect();
        if !self.draining {
            let mut members = self.cluster.members.iter();
            let me = members.find(|seen| &*seen.member.node == self.me);
            staying.push((self.me, me.is_some_and(|seen| seen.drained)));
        }
        let all_drained = staying.iter().all(|(_, drained)| *drained);
        let takers = staying
            .into_iter()
            .filter(|(_, drained)| all_drained || !drained);
        takers.map(|(node, _)| node).collect()
    }

    /// What to do.
    pub fn decide(&self) -> Decision {
        let others = self.others();
        let takers = self.takers(&others);
        let mut decision = Decision {
            nobody_takes: takers.is_empty(),
            ..Decision::default()
        };
        let closing = self
            .mine
            .values()
            .filter(|mine| matches!(mine, Mine::Closing(_)));
        let mut room = match takers.contains(&self.me) {
            false => usize::MAX,
            true if self.unsettled => 0,
            true => HANDED_OVER_MAX.saturating_sub(closing.count()),
        };
        let pins = &self.cluster.pins;
        let shares = shares(&takers, self.shards, pins);
        for shard in 0..self.shards {
            let wanted = shares.get(usize::from(shard));
            let owner = self.cluster.owners.get(&shard);
            let owner = owner.filter(|owner| others.contains_key(&*owner.node));
            match (self.mine.get(&shard), wanted) {
                (Some(Mine::Open(epoch)), _) if owner.is_some_and(|owner| owner.epoch > *epoch) => {
                    decision.taken.push(shard);
                }
                (Some(Mine::Open(_)), Some(wanted))
                    if *wanted != self.me && (room > 0 || is_pinned(pins, shard, wanted)) =>
                {
                    room = room.saturating_sub(1);
                    decision.give.push(shard);
                }
                (Some(_), _) => {}
                (None, _) if owner.is_some() => {
                    decision
                        .owners
                        .extend(owner.map(|owner| (shard, owner.node.clone())));
                }
                (None, Some(wanted)) if *wanted == self.me => decision.take.push(shard),
                (None, _) => {}
            }
        }
        decision
    }
}

/// Who is to have each shard: the node that somebody wants to, if it takes any; of the others by rendezvous hashing
/// the one with the highest weight of those whose share isn't full. So no node gets more than its share unless by
/// what somebody wants, and one that comes or goes moves few shards between others.
fn shares<'n>(takers: &[&'n str], shards: u16, pins: &BTreeMap<u16, Box<str>>) -> Vec<&'n str> {
    let share = usize::from(shards).div_ceil(takers.len().max(1));
    let pinned = |shard| takers.iter().position(|node| is_pinned(pins, shard, node));
    let mut shares: Vec<Option<usize>> = (0..shards).map(pinned).collect();
    let mut counts = vec![0; takers.len()];
    for node in shares.iter().flatten() {
        counts[*node] += 1;
    }
    for (shard, place) in (0..shards).zip(&mut shares) {
        if place.is_none() {
            let with_room = (0..takers.len()).filter(|node| counts[*node] < share);
            *place = with_room.max_by_key(|node| weight(takers[*node], shard));
            place.iter().for_each(|node| counts[*node] += 1);
        }
    }
    let shares = shares.into_iter().flatten();
    shares.map(|node| takers[node]).collect()
}

/// Whether somebody wants this node to run a shard.
fn is_pinned(pins: &BTreeMap<u16, Box<str>>, shard: u16, node: &str) -> bool {
    pins.get(&shard).is_some_and(|pinned| &**pinned == node)
}

/// How much a node is the one for a shard.
fn weight(node: &str, shard: u16) -> (u64, &str) {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in node.bytes().chain(shard.to_le_bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    // FNV alone leaves the last bytes in few bits.
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    (hash ^ (hash >> 33), node)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lclq_stores::{Member, ShardOwner};

    const SHARDS: u16 = 64;

    fn member(node: &str, draining: bool, silent_s: u64) -> SeenMember {
        SeenMember {
            member: Member {
                node: node.into(),
                address: "127.0.0.1:1".into(),
                protocol: 1,
                key_hash: [].into(),
            },
            draining,
            drained: false,
            silent: Duration::from_secs(silent_s),
        }
    }

    /// A cluster of nodes that know of each other, played to where nobody does anything any more.
    #[derive(Default)]
    struct World {
        nodes: BTreeMap<&'static str, BTreeMap<u16, Mine>>,
        cluster: Cluster,
        draining: BTreeSet<&'static str>,
    }

    impl World {
        fn join(&mut self, node: &'static str) {
            self.nodes.insert(node, BTreeMap::new());
            self.cluster.members.push(member(node, false, 0));
        }

        fn seen(&mut self, node: &str) -> &mut SeenMember {
            let mut members = self.cluster.members.iter_mut();
            members.find(|seen| &*seen.member.node == node).unwrap()
        }

        fn step(&mut self, node: &'static str) -> bool {
            let gone = BTreeSet::new();
            let situation = Situation {
                me: node,
                draining: self.draining.contains(node),
                unsettled: false,
                shards: SHARDS,
                mine: &self.nodes[node],
                cluster: &self.cluster,
                gone: &gone,
            };
            let decision = situation.decide();
            let mine = self.nodes.get_mut(node).unwrap();
            for shard in &decision.take {
                mine.insert(*shard, Mine::Open(1));
                let owner = ShardOwner {
                    node: node.into(),
                    epoch: 1,
                };
                self.cluster.owners.insert(*shard, owner);
            }
            for shard in &decision.give {
                mine.remove(shard);
                self.cluster.owners.remove(shard);
            }
            !decision.take.is_empty() || !decision.give.is_empty()
        }

        fn settle(&mut self) {
            let nodes: Vec<_> = self.nodes.keys().copied().collect();
            for _ in 0..200 {
                let moved = nodes.iter().filter(|node| self.step(node)).count();
                if moved == 0 {
                    return;
                }
            }
            panic!("it doesn't come to rest");
        }

        fn counts(&self) -> Vec<usize> {
            self.nodes.values().map(BTreeMap::len).collect()
        }
    }

    #[test]
    fn shards_spread_over_nodes_that_come_and_go() {
        let mut world = World::default();
        world.join("a");
        world.settle();
        assert_eq!(world.counts(), [64]);
        world.join("b");
        world.join("c");
        world.settle();
        let counts = world.counts();
        assert_eq!(counts.iter().sum::<usize>(), 64);
        assert!(counts.iter().all(|count| *count >= 20), "{counts:?}");
        let of_a: Vec<u16> = world.nodes["a"].keys().copied().collect();
        // Gone without a word: others take what it had, and keep most of what they have.
        world.nodes.remove("b");
        world.seen("b").silent = Duration::from_secs(6);
        world.settle();
        assert_eq!(world.counts().iter().sum::<usize>(), 64);
        assert_eq!(world.counts(), [32, 32]);
        let kept = of_a
            .iter()
            .filter(|shard| world.nodes["a"].contains_key(shard));
        assert!(kept.count() * 2 > of_a.len());
    }

    #[test]
    fn whoever_has_been_silent_longest_is_waited_for() {
        let mut world = World::default();
        for (node, silent_ms) in [("a", 9_000), ("b", 700), ("c", 4_600), ("d", 5_001)] {
            world.join(node);
            world.seen(node).silent = Duration::from_millis(silent_ms);
        }
        let (mine, gone) = (BTreeMap::new(), BTreeSet::new());
        let patience = |me, cluster: &Cluster| {
            let situation = Situation {
                me,
                draining: false,
                unsettled: false,
                shards: SHARDS,
                mine: &mine,
                cluster,
                gone: &gone,
            };
            situation.patience()
        };
        let of = |ms| Some(Duration::from_millis(ms));
        assert_eq!(patience("b", &world.cluster), of(400));
        // Nobody waits for itself, nor for who is gone already.
        assert_eq!(patience("c", &world.cluster), of(4_300));
        world
            .cluster
            .members
            .retain(|seen| &*seen.member.node != "c");
        assert_eq!(patience("b", &world.cluster), None);
    }

    #[test]
    fn one_that_leaves_hands_over_all_at_once() {
        let mut world = World::default();
        world.join("a");
        world.join("b");
        world.settle();
        world.draining.insert("a");
        world.seen("a").draining = true;
        world.step("a");
        assert_eq!(world.nodes["a"].len(), 0);
        world.settle();
        assert_eq!(world.counts(), [0, 64]);
        // Nobody is left to take them.
        world.draining.insert("b");
        world.seen("b").draining = true;
        world.settle();
        assert_eq!(world.counts(), [0, 64]);
    }

    #[test]
    fn one_that_is_drained_runs_nothing_and_comes_back() {
        let mut world = World::default();
        for node in ["a", "b", "c"] {
            world.join(node);
        }
        world.settle();
        world.seen("b").drained = true;
        // All at once, not two at a time.
        world.step("b");
        assert_eq!(world.nodes["b"].len(), 0);
        world.settle();
        assert_eq!(world.counts(), [32, 0, 32]);
        world.seen("b").drained = false;
        world.settle();
        assert!(world.counts().iter().all(|count| *count >= 20));
        // Where all are, each keeps its share: somebody has to answer.
        let before = world.counts();
        for node in ["a", "b", "c"] {
            world.seen(node).drained = true;
        }
        world.settle();
        assert_eq!(world.counts(), before);
        world.draining.insert("a");
        world.seen("a").draining = true;
        world.settle();
        assert_eq!(world.counts(), [0, 32, 32]);
    }

    #[test]
    fn shards_are_where_somebody_wants_them() {
        let mut world = World::default();
        for node in ["a", "b", "c"] {
            world.join(node);
        }
        world.settle();
        let pins = (0..40).map(|shard| (shard, "b".into()));
        world.cluster.pins = pins.chain([(40, "nobody".into())]).collect();
        world.settle();
        let of_b = &world.nodes["b"];
        assert!((0..40).all(|shard| of_b.contains_key(&shard)) && of_b.len() == 40);
        assert_eq!(world.counts().iter().sum::<usize>(), 64);
        // Nobody is waited for who takes none.
        world.seen("b").drained = true;
        world.settle();
        assert_eq!(world.counts(), [32, 0, 32]);
        world.seen("b").drained = false;
        world.cluster.pins.clear();
        world.settle();
        assert_eq!(world.counts().iter().sum::<usize>(), 64);
        assert!(world.counts().iter().all(|count| *count >= 20));
        // Others that come and go don't keep back what somebody wants.
        let shard = *world.nodes["a"].keys().next().unwrap();
        world.cluster.pins = [(shard, "c".into())].into();
        let situation = Situation {
            me: "a",
            draining: false,
            unsettled: true,
            shards: SHARDS,
            mine: &world.nodes["a"],
            cluster: &world.cluster,
            gone: &BTreeSet::new(),
        };
        assert_eq!(situation.decide().give, [shard]);
    }

    #[test]
    fn what_another_node_has_taken_is_given_up() {
        let mine = BTreeMap::from([(0, Mine::Open(7)), (1, Mine::Open(7))]);
        let owner = |epoch| ShardOwner {
            node: "b".into(),
            epoch,
        };
        let cluster = Cluster {
            members: vec![member("a", false, 0), member("b", false, 0)],
            owners: BTreeMap::from([(0, owner(8)), (1, owner(6))]),
            pins: BTreeMap::new(),
        };
        let situation = Situation {
            me: "a",
            draining: false,
            unsettled: true,
            shards: 2,
            mine: &mine,
            cluster: &cluster,
            gone: &BTreeSet::new(),
        };
        assert_eq!(situation.decide().taken, [0]);
    }

    #[test]
    fn nothing_is_handed_over_while_others_come_and_go() {
        let mine = (0..SHARDS).map(|shard| (shard, Mine::Open(1))).collect();
        let cluster = Cluster {
            members: vec![member("a", false, 0), member("b", false, 0)],
            ..Cluster::default()
        };
        let mut situation = Situation {
            me: "a",
            draining: false,
            unsettled: true,
            shards: SHARDS,
            mine: &mine,
            cluster: &cluster,
            gone: &BTreeSet::new(),
        };
        assert_eq!(situation.decide(), Decision::default());
        situation.unsettled = false;
        assert_eq!(situation.decide().give.len(), HANDED_OVER_MAX);
        // A node that refuses connections is gone before its time.
        let gone = BTreeSet::from(["b".into()]);
        situation.gone = &gone;
        assert_eq!(situation.decide(), Decision::default());
    }
}
