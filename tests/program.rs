//! The program as its users run it: a process, with real files, a real RabbitMQ and a real PostgreSQL.

mod support;

#[path = "program/command_line.rs"]
mod command_line;
#[path = "program/console.rs"]
mod console;
#[path = "support/elsewhere.rs"]
mod elsewhere;
#[path = "program/elsewhere.rs"]
mod elsewhere_adopted;
#[path = "program/faults.rs"]
mod faults;
#[path = "program/lexical.rs"]
mod lexical;
#[path = "program/live_rules.rs"]
mod live_rules;
#[path = "program/models.rs"]
mod models;
#[path = "program/operations.rs"]
mod operations;
#[path = "program/plain.rs"]
mod plain;
#[path = "program/routing.rs"]
mod routing;
#[path = "program/running.rs"]
mod running;
#[path = "program/shadow.rs"]
mod shadow;
#[path = "program/switches.rs"]
mod switches;
#[path = "program/verdicts.rs"]
mod verdicts;
#[path = "program/worker.rs"]
mod worker;
