//! The search of all states, and what has to hold in each.

use std::collections::{HashMap, HashSet};

use aimlapi_video_worker::job::{Action, Job, JobState};

use crate::{
    Setup,
    jobs::{Jobs, State},
    world::{CLAIMS, Worker, World, steps},
};

#[derive(Debug)]
pub(crate) struct Explored {
    pub(crate) states: usize,
    pub(crate) jobs: usize,
    pub(crate) transitions: usize,
    pub(crate) max_bought: u32,
    pub(crate) seen: HashSet<JobState>,
}

/// Visits all states breadth first, and returns the first violation.
pub(crate) fn explore(setup: &Setup) -> Result<Explored, &'static str> {
    let mut jobs = Jobs::default();
    let first = World {
        job: jobs.number(Job::new("job", "00")),
        workers: [Worker::Idle; 2],
        claims: 0,
        bought: 0,
        expired: 0,
        sends: 0,
        refusals: 0,
        failures: 0,
        crashes: 0,
        decision: None,
        sent: 0,
    };
    let mut numbers = HashMap::from([(first, 0_usize)]);
    let mut worlds = vec![first];
    let mut reverse: Vec<Vec<usize>> = vec![Vec::new()];
    let mut transitions = 0;
    let mut at = 0;
    while at < worlds.len() {
        let world = worlds[at];
        for next in steps(world, &mut jobs, setup)? {
            transitions += 1;
            let new = worlds.len();
            let number = *numbers.entry(next).or_insert(new);
            if number == new {
                check(&next, &jobs.states[next.job])?;
                worlds.push(next);
                reverse.push(Vec::new());
            }
            reverse[number].push(at);
        }
        at += 1;
    }
    can_end(&worlds, &reverse, &jobs)?;
    Ok(Explored {
        states: worlds.len(),
        jobs: jobs.states.len(),
        transitions,
        max_bought: worlds
            .iter()
            .map(|world| world.bought.count_ones())
            .max()
            .unwrap(),
        seen: jobs
            .states
            .iter()
            .map(|state| state.job.phase().state())
            .collect(),
    })
}

/// What holds in every state.
fn check(world: &World, state: &State) -> Result<(), &'static str> {
    if world.bought.count_ones() > 1 + world.repeats() {
        return Err("more was bought than a person allowed");
    }
    if u32::from(world.sends) > 1 + world.repeats() + u32::from(world.refusals) {
        return Err("more was sent than a person and refusals allowed");
    }
    match world.bought & !state.accounted {
        0 => Ok(()),
        _ => Err("a generation is neither a handle nor open"),
    }
}

/// From every state the job can still end or ask a person, unless the model's claims are used up.
fn can_end(worlds: &[World], reverse: &[Vec<usize>], jobs: &Jobs) -> Result<(), &'static str> {
    let is_end = |world: &World| match jobs.states[world.job].action {
        Action::Nothing | Action::Ask => true,
        Action::Claim { .. } => world.claims == CLAIMS,
        _ => false,
    };
    let mut open: Vec<usize> = (0..worlds.len())
        .filter(|at| is_end(&worlds[*at]))
        .collect();
    let mut ends = vec![false; worlds.len()];
    while let Some(at) = open.pop() {
        if !std::mem::replace(&mut ends[at], true) {
            open.extend(&reverse[at]);
        }
    }
    match ends.iter().all(|ends| *ends) {
        true => Ok(()),
        false => Err("the job can never end"),
    }
}
