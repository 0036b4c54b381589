//! Inquiries of different weights to agents: each weight is matched by itself, the heaviest first.
//!
//! With weights, the least total cost is no longer found in reasonable time (it is the generalised assignment problem), and a light
//! inquiry would take every place that becomes free before two are free at once. So the heaviest are matched first, and a heavy one for
//! which nobody has room keeps the places of one agent, whoever has most free, from lighter ones that are less urgent.

use super::solve::{Matching, NEVER, Problem};

/// What is to be matched. Rows come by urgency, the most urgent first.
pub struct Places {
    pub columns: usize,
    /// Row by row, one cost for each column, or [`NEVER`].
    pub cost: Vec<i64>,
    /// What it costs to leave a row unassigned.
    pub wait: Vec<i64>,
    /// Places that a row takes.
    pub weight: Vec<u32>,
    /// Places that a column has.
    pub free: Vec<u32>,
    /// How much more each place of a column costs than the one before.
    pub rise: Vec<i64>,
}

impl Places {
    /// `would_do`: whether only room keeps the column from the row.
    pub fn matched(&self, optimal: bool, would_do: &dyn Fn(usize, usize) -> bool) -> Matching {
        let mut matching: Matching = vec![None; self.weight.len()];
        let mut used = vec![0u32; self.columns];
        // For each column the row that it is kept for.
        let mut kept: Vec<Option<usize>> = vec![None; self.columns];
        let mut weights: Vec<u32> = self.weight.clone();
        weights.sort_unstable_by(|a, b| b.cmp(a));
        weights.dedup();
        for weight in weights {
            let rows: Vec<usize> = (0..self.weight.len()).filter(|row| self.weight[*row] == weight).collect();
            let problem = self.problem(&rows, weight, &used, &kept);
            let found = if optimal { problem.optimal() } else { problem.greedy() };
            for (row, column) in rows.iter().zip(&found) {
                matching[*row] = *column;
                if let Some(column) = column {
                    used[*column] += weight;
                }
            }
            for row in rows.into_iter().filter(|row| weight > 1 && matching[*row].is_none()) {
                let left = |column: &usize| self.free[*column] - used[*column];
                let could = (0..self.columns)
                    .filter(|column| kept[*column].is_none() && left(column) > 0 && would_do(row, *column));
                // Of equal ones the first, so that the next tick keeps the same.
                if let Some(column) = could.rev().max_by_key(left) {
                    kept[column] = Some(row);
                }
            }
        }
        matching
    }

    /// The rows of one weight, with what the heavier ones left.
    fn problem(&self, rows: &[usize], weight: u32, used: &[u32], kept: &[Option<usize>]) -> Problem {
        let cost = |row: usize, column: usize| {
            let cost = self.cost[row * self.columns + column];
            if cost == NEVER || kept[column].is_some_and(|urgent| urgent < row) {
                return NEVER;
            }
            cost + i64::from(used[column]) * self.rise[column]
        };
        let of_row = |row: &usize| {
            let row = *row;
            (0..self.columns).map(move |column| cost(row, column))
        };
        Problem {
            columns: self.columns,
            cost: rows.iter().flat_map(of_row).collect(),
            wait: rows.iter().map(|row| self.wait[*row]).collect(),
            capacity: self.free.iter().zip(used).map(|(free, used)| (free - used) / weight).collect(),
            rise: self.rise.iter().map(|rise| rise * i64::from(weight)).collect(),
        }
    }
}
