//! Plays days of customer support against routing policies: what would have gone to the wrong person, how long customers would have
//! waited, how the work would have been spread. Pure: the same scenario and seed give the same day.
//!
//! Each inquiry draws its truth, its handling time and its accidents from a random source of its own, so two policies on one seed
//! meet the same customers with the same luck: their difference is the policies'.

mod day;
mod draw;
mod figures;
mod page;
mod scenario;

pub use day::{Contender, Day, play};
pub use draw::{Pool, Task, pool, tasks};
pub use figures::{Comparison, Interval, Measure, compare};
pub use page::{LoadSection, simulation_page, table};
pub use scenario::{Scenario, ScenarioError};
