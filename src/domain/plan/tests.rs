//! Order, cycles, closures and targets against models that are slow and plain.

use super::*;

/// A small linear congruential generator: the same graphs in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % n
    }
}

fn node(key: u8, requires: &[u8], applied: bool) -> Node {
    Node { key: vec![key], requires: requires.iter().map(|key| vec![*key]).collect(), applied }
}

/// The natural order of 1 to 5, where 2 requires 5.
fn five(applied: &[u8]) -> Graph {
    let requires = |n| if n == 2 { vec![5] } else { vec![] };
    Graph::new((1..=5).map(|n| node(n, &requires(n), applied.contains(&n))).collect())
}

fn keys(graph: &Graph, order: &[usize]) -> Vec<u8> {
    order.iter().map(|n| graph.node(*n).key[0]).collect()
}

#[test]
fn comes_late_as_far_as_requirements_demand() {
    let graph = five(&[]);
    assert_eq!(graph.order().map(|o| keys(&graph, &o)), Ok(vec![1, 3, 4, 5, 2]));
    let graph = five(&[1, 5]);
    assert_eq!(graph.order().map(|o| keys(&graph, &o)), Ok(vec![2, 3, 4]));
}

#[test]
fn names_a_cycle_from_its_lowest() {
    let graph = Graph::new(vec![
        node(1, &[2], false),
        node(2, &[5], false),
        node(5, &[3], false),
        node(3, &[2], false),
        node(9, &[9], true),
    ]);
    assert_eq!(graph.order().map_err(|c| keys(&graph, &c.0)), Err(vec![2, 5, 3]));
    assert_eq!(graph.closure(0).map_err(|c| keys(&graph, &c.0)), Err(vec![2, 5, 3]));
    let graph = Graph::new(vec![node(1, &[1], false)]);
    assert_eq!(graph.order(), Err(Cycle(vec![0])));
}

#[test]
fn out_of_order_counts_requirements() {
    assert_eq!(five(&[]).out_of_order(None), (vec![], None));
    // 2 comes after 5, so only 3 and 4 are late.
    assert_eq!(five(&[1, 5]).out_of_order(None), (vec![2, 3], Some(4)));
    assert_eq!(five(&[1, 3, 4, 5]).out_of_order(None), (vec![], Some(4)));
    assert_eq!(five(&[3]).out_of_order(None), (vec![0], Some(2)));
}

#[test]
fn what_does_not_exist_is_left_out() {
    let graph = Graph::new(vec![node(1, &[7], false)]);
    assert_eq!(graph.order(), Ok(vec![0]));
    assert_eq!(graph.find(&[1]), Some(0));
    assert_eq!(graph.find(&[7]), None);
}

fn random_graph(random: &mut Random, acyclic: bool) -> Graph {
    let count = 1 + random.below(9);
    // Requirements point down in a hidden order, so that there is no cycle.
    let mut hidden: Vec<usize> = (0..count).collect();
    for n in (1..count).rev() {
        hidden.swap(n, random.below(n + 1));
    }
    let nodes = (0..count).map(|n| {
        let wanted = random.below(3);
        let requires: Vec<u8> = (0..wanted)
            .map(|_| random.below(count))
            .filter(|need| !acyclic || hidden[*need] < hidden[n])
            .map(|need| need as u8)
            .collect();
        node(n as u8, &requires, random.below(4) == 0)
    });
    Graph::new(nodes.collect())
}

/// The lowest of those whose requirements are met, again and again. Err: it got stuck.
fn model_order(graph: &Graph, included: &[bool]) -> Result<Vec<usize>, ()> {
    let mut order = Vec::new();
    let total = included.iter().filter(|yes| **yes).count();
    while order.len() < total {
        let free = |n: &usize| {
            included[*n]
                && !order.contains(n)
                && graph.needs(*n).iter().all(|need| !included[*need] || order.contains(need))
        };
        order.push((0..included.len()).find(free).ok_or(())?);
    }
    Ok(order)
}

/// What is required, directly or not, by following every path.
fn model_reach(graph: &Graph, from: usize, through: &dyn Fn(usize) -> bool) -> Vec<bool> {
    let mut reached = vec![false; graph.nodes.len()];
    reached[from] = true;
    loop {
        let before = reached.clone();
        for n in (0..reached.len()).filter(|n| before[*n] && through(*n)) {
            for need in graph.needs(n) {
                reached[*need] = true;
            }
        }
        if before == reached {
            return reached;
        }
    }
}

#[test]
fn random_graphs_agree_with_the_models() {
    let mut random = Random(0x5eed_0001);
    let (mut cycles, mut late) = (0, 0);
    for round in 0..20_000 {
        let graph = random_graph(&mut random, round % 2 == 0);
        let pending: Vec<bool> = graph.nodes.iter().map(|node| !node.applied).collect();
        match (graph.order(), model_order(&graph, &pending)) {
            (Ok(order), model) => assert_eq!(Ok(order), model, "{graph:?}"),
            (Err(Cycle(cycle)), model) => {
                assert_eq!(model, Err(()), "{graph:?}");
                for (n, at) in cycle.iter().enumerate() {
                    let next = cycle[(n + 1) % cycle.len()];
                    assert!(graph.needs(*at).contains(&next), "{cycle:?} in {graph:?}");
                    assert!(!graph.node(*at).applied && cycle[0] <= *at);
                }
                cycles += 1;
            }
        }
        for of in (0..graph.nodes.len()).filter(|n| pending[*n]) {
            let reach = model_reach(&graph, of, &|n| pending[n]);
            let included: Vec<bool> =
                reach.iter().zip(&pending).map(|(reached, pending)| *reached && *pending).collect();
            let model = model_order(&graph, &included);
            assert_eq!(graph.closure(of).map_err(|_| ()), model, "{of} of {graph:?}");
        }
        let (found, newest) = graph.out_of_order(None);
        assert_eq!(newest, (0..graph.nodes.len()).rfind(|n| !pending[*n]));
        if round % 2 == 0 {
            let place = |n| model_reach(&graph, n, &|_| true).iter().rposition(|reached| *reached);
            let model: Vec<usize> =
                (0..graph.nodes.len()).filter(|n| pending[*n] && place(*n) < newest).collect();
            assert_eq!(found, model, "{graph:?}");
        }
        late += usize::from(!found.is_empty());
    }
    assert!(cycles > 1000 && late > 1000, "{cycles} cycles, {late} out of order");
}

/// Whichever target a run has stopped at, nothing is out of order afterwards, and the
/// next run goes on as the first one would have.
#[test]
fn a_target_leaves_nothing_out_of_order() {
    let mut random = Random(0x5eed_0002);
    for _ in 0..5_000 {
        let mut graph = random_graph(&mut random, true);
        for node in &mut graph.nodes {
            node.applied = false;
        }
        let order = graph.order().unwrap_or_default();
        assert_eq!(order.len(), graph.nodes.len(), "a cycle in {graph:?}");
        for stop in 0..order.len() {
            graph.nodes[order[stop]].applied = true;
            assert!(graph.out_of_order(None).0.is_empty(), "{stop} of {order:?} in {graph:?}");
            assert_eq!(graph.order().as_deref(), Ok(&order[stop + 1..]));
        }
    }
}

#[test]
fn what_was_begun_counts_as_applied_for_what_is_late() {
    let node = |n: u8, applied| Node { key: vec![n], requires: vec![], applied };
    let graph = Graph::new(vec![node(1, true), node(2, false), node(3, false), node(4, false)]);
    assert_eq!(graph.out_of_order(None), (vec![], Some(0)));
    assert_eq!(graph.out_of_order(Some(&[3])), (vec![1], Some(2)));
}

#[test]
fn merges_projects_where_one_waits_for_another() {
    // a2 waits for b1.
    let needs = |project, step| if (project, step) == (0, 2) { vec![(1, 1)] } else { vec![] };
    let merged = merge(&[4, 3], needs);
    assert_eq!(merged, Ok(vec![(0, 0), (0, 1), (1, 0), (1, 1), (0, 2), (0, 3), (1, 2)]));
    assert_eq!(merge(&[], |_, _| vec![]), Ok(vec![]));
}

#[test]
fn names_the_steps_of_projects_that_wait_for_each_other() {
    // a1 waits for b2, b1 for a3.
    let needs = |project, step| match (project, step) {
        (0, 1) => vec![(1, 2)],
        (1, 1) => vec![(0, 3)],
        _ => vec![],
    };
    let waiting = vec![(0, 1), (1, 2), (1, 1), (0, 3), (0, 2)];
    assert_eq!(merge(&[4, 3], needs), Err(waiting));
}

#[test]
fn random_merges_keep_every_order() {
    let mut random = Random(0x5eed_0003);
    let (mut merged, mut stuck) = (0, 0);
    for _ in 0..5_000 {
        let lengths: Vec<usize> = (0..3).map(|_| random.below(4)).collect();
        let mut edges = Vec::new();
        for _ in 0..random.below(12) {
            let (from, to) = (random.below(3), random.below(3));
            if from != to && lengths[from] > 0 && lengths[to] > 0 {
                edges.push(((from, random.below(lengths[from])), (to, random.below(lengths[to]))));
            }
        }
        let needs = |project, step| {
            edges.iter().filter(|(from, _)| *from == (project, step)).map(|(_, to)| *to).collect()
        };
        match merge(&lengths, needs) {
            Ok(order) => {
                assert_eq!(order.len(), lengths.iter().sum::<usize>());
                let at = |step| order.iter().position(|s| *s == step);
                assert!(edges.iter().all(|(from, to)| at(*to) < at(*from)), "{edges:?}");
                for (project, step) in order.iter().filter(|(_, step)| *step > 0) {
                    assert!(at((*project, step - 1)) < at((*project, *step)));
                }
                merged += 1;
            }
            Err(cycle) => {
                for (n, from) in cycle.iter().enumerate() {
                    let to = cycle[(n + 1) % cycle.len()];
                    let before = from.0 == to.0 && from.1 == to.1 + 1;
                    assert!(before || edges.contains(&(*from, to)), "{cycle:?} with {edges:?}");
                }
                stuck += 1;
            }
        }
    }
    assert!(merged > 500 && stuck > 500, "{merged} merged, {stuck} stuck");
}
