//! Races that others have had.

use std::sync::Arc;

use futures_util::future::join_all;
use mimamori::contract::*;
use mimamori::routing::Proposal;
use mimamori::store::*;
use tokio::sync::Barrier;

use crate::support::database::Fresh;
use crate::support::values::*;

const SHIPPING: [Skill; 1] = [Skill::Shipping];
const JA: [Language; 1] = [Language::Ja];

/// Rocket.Chat #37776: with a limit of 3, three instances each read "under the limit", and the agent got a fourth chat and more.
pub async fn three_instances_that_each_read_under_the_limit_do_not_exceed_it(fresh: Fresh) {
    const LIMIT: u32 = 3;
    const ROUNDS: i64 = 20;
    let first = fresh.migrated().await;
    let instances = [first.clone(), fresh.open().await, fresh.open().await];
    first.upsert_agents(&[agent("a-1", &SHIPPING, &JA, LIMIT)]).await.unwrap();
    for round in 0..ROUNDS {
        for n in 0..i64::from(LIMIT) - 1 {
            let held = decision(&inquiry(&format!("held-{round}-{n}"), 0), offer(&["a-1"]), round);
            first.commit_routing(&held).await.unwrap();
        }
        let all_have_read = Arc::new(Barrier::new(instances.len()));
        let attempts = instances.iter().enumerate().map(|(n, instance)| {
            let (store, all_have_read) = (instance.clone(), all_have_read.clone());
            tokio::spawn(async move {
                let agents = store.agents().await.unwrap();
                assert!(agents[0].open < LIMIT, "each reads: under the limit");
                all_have_read.wait().await;
                let new = decision(&inquiry(&format!("new-{round}-{n}"), 0), offer(&["a-1"]), round);
                match store.commit_routing(&new).await.unwrap() {
                    RoutingOutcome::Decided(assignment) => assignment.agent_id.is_some(),
                    RoutingOutcome::AlreadyDecided => panic!("the inquiry is new"),
                }
            })
        });
        let taken = join_all(attempts).await.into_iter().filter(|taken| *taken.as_ref().unwrap()).count();
        assert_eq!(taken, 1, "round {round}");
        assert_eq!(first.agents().await.unwrap()[0].open, LIMIT);
        first.withdraw_agent(&AgentId::new("a-1").unwrap(), "bulk", at(round)).await.unwrap();
    }
}

/// chatwoot #15275: an automation, a person and the automatic assignment each set the owner, and the last one to write won.
pub async fn the_router_a_supervisor_and_an_automation_do_not_bounce_the_owner(fresh: Fresh) {
    const ROUNDS: i64 = 20;
    let store = fresh.migrated().await;
    let agents = ["router", "supervisor", "automation"];
    store.upsert_agents(&agents.map(|id| agent(id, &SHIPPING, &JA, 100))).await.unwrap();
    for round in 0..ROUNDS {
        let question = inquiry(&format!("q-{round}"), 0);
        let wait = decision(&question, Proposal::Wait { skill: Skill::Shipping }, 0);
        store.commit_routing(&wait).await.unwrap();
        let together = Arc::new(Barrier::new(agents.len()));
        let writers = agents.map(|by| {
            let (store, question, together) = (store.clone(), question.clone(), together.clone());
            tokio::spawn(async move {
                together.wait().await;
                if by == "router" {
                    let offer = decision(&question, offer(&[by]), 1);
                    let outcome = store.commit_routing(&offer).await.unwrap();
                    return outcome != RoutingOutcome::AlreadyDecided;
                }
                let order = DirectAssignment {
                    inquiry_id: question.inquiry_id.clone(),
                    agent_id: AgentId::new(by).unwrap(),
                    skill: None,
                    generation: 0,
                    by: by.to_owned(),
                    at: at(1),
                };
                let change = store.assign(&order).await.unwrap();
                assert!(change == Change::Done || change == Change::Lost(Lost::Gone), "{change:?}");
                // Once more, as an automation does that is triggered by the change: still the old generation, still refused.
                assert_eq!(store.assign(&order).await.unwrap(), Change::Lost(Lost::Gone));
                change == Change::Done
            })
        });
        let won = join_all(writers).await.into_iter().filter(|won| *won.as_ref().unwrap()).count();
        assert_eq!(won, 1, "round {round}: one owner, and nobody takes it from them");
    }
    assert_eq!(fresh.number("select count(*) from assignments").await, ROUNDS);
    let told = "select count(*) from outbox where target_name = 'inquiry.assigned'";
    assert_eq!(fresh.number(told).await, ROUNDS);
}
