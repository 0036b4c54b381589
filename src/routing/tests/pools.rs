//! What holds for every pool of agents and every queue: on made-up ones, from seeds.

use super::*;

/// A pool and inquiries of all sorts.
pub(super) fn made_up(random: &mut StdRng) -> (Vec<Case>, Vec<AgentSnapshot>, Policy) {
    let skill = |random: &mut StdRng| Skill::ALL[random.random_range(0..Skill::ALL.len())];
    let agents: Vec<AgentSnapshot> = (0..random.random_range(0..25))
        .map(|n| {
            let skills: Vec<_> =
                (0..random.random_range(0..6)).map(|_| (skill(random), random.random_range(1..=5))).collect();
            let mut agent = agent(&format!("a-{n}"), &skills, random.random_range(0..4));
            agent.languages = Language::ALL.into_iter().filter(|_| random.random_bool(0.7)).collect();
            agent.available = random.random_bool(0.9);
            agent.open = random.random_range(0..3);
            agent.mean_open = random.random_range(0.0..3.0);
            agent.team = [None, Some("safety".to_owned()), Some("parcels".to_owned())]
                .choose(random)
                .cloned()
                .flatten();
            let minutes = random.random_range(0..100);
            agent.last_assigned_at = random.random_bool(0.8).then(|| now() - TimeDelta::minutes(minutes));
            agent.open_changed_at = agent.last_assigned_at;
            agent
        })
        .collect();
    let cases = (0..random.random_range(0..30))
        .map(|n| {
            let best = random.random_range(0.3..1.0);
            let mut case = case(&format!("q-{n}"), &[(skill(random), best), (skill(random), 1.0 - best)]);
            case.language = Language::ALL[random.random_range(0..2)];
            case.flagged = random.random_bool(0.2);
            case.priority = [Priority::Low, Priority::Normal, Priority::Urgent][random.random_range(0..3)];
            case.rejected_by = agents
                .iter()
                .filter(|_| random.random_bool(0.1))
                .map(|agent| agent.agent_id.clone())
                .collect();
            case.preferred = agents.choose(random).filter(|_| random.random_bool(0.3)).map(|agent| {
                Preferred { agent_id: agent.agent_id.clone(), open_matter: random.random_bool(0.5) }
            });
            waited(case, random.random_range(0..3000))
        })
        .collect();
    let mut policy = policy();
    policy.teams = BTreeMap::from([
        ("safety".into(), vec![Skill::FraudSecurity]),
        ("parcels".into(), vec![Skill::Shipping, Skill::ReturnRefund]),
    ]);
    (cases, agents, policy)
}

#[test]
fn nobody_gets_what_they_must_not_have() {
    for seed in 0..400 {
        let (cases, agents, mut policy) = made_up(&mut StdRng::seed_from_u64(seed));
        policy.exact_pairs = if seed % 2 == 0 { 0 } else { policy.exact_pairs };
        let decided = decide(&cases, &agents, &policy, now());
        assert_eq!(decided.len(), cases.len());
        let mut taken: BTreeMap<&AgentId, u32> = BTreeMap::new();
        for (case, decided) in cases.iter().zip(&decided) {
            assert_eq!(case.inquiry_id, decided.inquiry_id);
            let Proposal::Offer { candidates, .. } = &decided.proposal else { continue };
            let agent = agents.iter().find(|agent| agent.agent_id == candidates[0].agent_id).unwrap();
            *taken.entry(&agent.agent_id).or_default() += 1;
            assert!(agent.available && agent.languages.contains(&case.language), "seed {seed}");
            assert!(!case.rejected_by.contains(&agent.agent_id), "seed {seed}");
            assert_eq!(
                agent.skills.get(&candidates[0].skill),
                Some(&candidates[0].proficiency),
                "seed {seed}"
            );
            assert!(!case.flagged || agent.skills.contains_key(&Skill::FraudSecurity), "seed {seed}");
        }
        for agent in &agents {
            let more = taken.get(&agent.agent_id).copied().unwrap_or(0);
            assert!(more <= agent.free(), "seed {seed}: {} is over capacity", agent.agent_id);
        }
    }
}

#[test]
fn the_order_of_the_lists_makes_no_difference() {
    for seed in 0..200 {
        let mut random = StdRng::seed_from_u64(seed);
        let (mut cases, mut agents, policy) = made_up(&mut random);
        let by_id = |decided: Vec<Decided>| {
            decided.into_iter().map(|one| (one.inquiry_id.clone(), one)).collect::<BTreeMap<_, _>>()
        };
        let before = by_id(decide(&cases, &agents, &policy, now()));
        cases.shuffle(&mut random);
        agents.shuffle(&mut random);
        assert_eq!(by_id(decide(&cases, &agents, &policy, now())), before, "seed {seed}");
    }
}

#[test]
fn nobody_waits_while_somebody_allowed_stays_free() {
    for seed in 0..200 {
        let (cases, agents, policy) = made_up(&mut StdRng::seed_from_u64(seed));
        let decided = decide(&cases, &agents, &policy, now());
        let mut free: BTreeMap<&AgentId, u32> =
            agents.iter().map(|agent| (&agent.agent_id, agent.free())).collect();
        for one in &decided {
            if let Some(agent) = &one.explanation.chosen {
                *free.get_mut(agent).unwrap() -= 1;
            }
        }
        for one in decided.iter().filter(|one| matches!(one.proposal, Proposal::Wait { .. })) {
            let idle = one
                .explanation
                .candidates
                .iter()
                .find(|agent| agent.excluded.is_none() && free[&agent.agent_id] > 0);
            assert!(idle.is_none(), "seed {seed}: {} waits beside {idle:?}", one.inquiry_id);
        }
    }
}
