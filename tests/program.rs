//! The program as its users run it: a process, with real files, a real RabbitMQ and a real PostgreSQL.

mod support;

#[path = "program/command_line.rs"]
mod command_line;
#[path = "program/faults.rs"]
mod faults;
#[path = "program/models.rs"]
mod models;
#[path = "program/running.rs"]
mod running;
#[path = "program/worker.rs"]
mod worker;
