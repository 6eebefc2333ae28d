//! Lines on the page that divide cells from each other.

use super::{Direction, Rule};

/// Lines that are nearer than this are one, points.
const SAME: f32 = 3.0;
/// Lines that end this near to each other touch, points.
const TOUCH: f32 = 3.0;
/// A line beyond the outermost one of the other kind by this much has cells of its own, points.
const OPEN_SIDE: f32 = 10.0;
/// More places than this are a drawing, not a table.
const MOST_COLUMNS: usize = 100;
const MOST_CELLS: usize = 20_000;
/// More lines than this are not compared with each other.
const MOST_RULES: usize = 4_000;

/// A table whose cells have borders.
#[derive(Debug)]
pub(super) struct Grid {
    /// The places of its vertical lines, left to right.
    pub(super) xs: Vec<f32>,
    /// The places of its horizontal lines, top to bottom.
    pub(super) ys: Vec<f32>,
    /// For each cell, row by row, the first cell of those that it is merged with.
    owners: Vec<usize>,
}

impl Grid {
    pub(super) fn columns(&self) -> usize {
        self.xs.len() - 1
    }

    pub(super) fn rows(&self) -> usize {
        self.ys.len() - 1
    }

    /// The cell that holds what stands in a place of the grid.
    pub(super) fn owner(&self, row: usize, column: usize) -> usize {
        self.owners[row * self.columns() + column]
    }

    /// The row and the column of a point; none outside of the grid.
    pub(super) fn find(&self, x: f32, y: f32) -> Option<(usize, usize)> {
        let column = self.xs.iter().rposition(|left| x >= *left)?;
        let row = self.ys.iter().rposition(|top| y <= *top)?;
        (column < self.columns() && row < self.rows()).then_some((row, column))
    }

    fn of(rules: &[Rule]) -> Option<Self> {
        let across: Vec<Rule> = of_direction(rules, Direction::Across);
        let down: Vec<Rule> = of_direction(rules, Direction::Down);
        let mut xs = places(&down);
        let mut ys = places(&across);
        let left = across.iter().map(|rule| rule.from).fold(f32::MAX, f32::min);
        let right = across.iter().map(|rule| rule.to).fold(f32::MIN, f32::max);
        let bottom = down.iter().map(|rule| rule.from).fold(f32::MAX, f32::min);
        let top = down.iter().map(|rule| rule.to).fold(f32::MIN, f32::max);
        extend(&mut xs, left, right);
        extend(&mut ys, bottom, top);
        ys.reverse();

        // A box, or a heading between two lines, is no table.
        let is_table = xs.len() >= 3 && ys.len() >= 3;
        let is_sane = xs.len() <= MOST_COLUMNS && xs.len() * ys.len() <= MOST_CELLS;
        (is_table && is_sane).then(|| {
            let mut grid = Self { owners: (0..(xs.len() - 1) * (ys.len() - 1)).collect(), xs, ys };
            grid.merge(&across, &down);
            grid
        })
    }

    /// Merges the cells that no line divides.
    fn merge(&mut self, across: &[Rule], down: &[Rule]) {
        let columns = self.columns();
        for row in 0..self.rows() {
            for column in 0..columns {
                let low = self.ys[row + 1];
                let high = self.ys[row];
                let left = self.xs[column];
                let right = self.xs[column + 1];
                if column + 1 < columns && !is_drawn(down, right, low, high) {
                    self.join(row * columns + column, row * columns + column + 1);
                }
                if row + 1 < self.rows() && !is_drawn(across, low, left, right) {
                    self.join(row * columns + column, (row + 1) * columns + column);
                }
            }
        }
        for cell in 0..self.owners.len() {
            self.owners[cell] = self.root(cell);
        }
    }

    fn root(&self, mut cell: usize) -> usize {
        while self.owners[cell] != cell {
            cell = self.owners[cell];
        }
        cell
    }

    fn join(&mut self, one: usize, other: usize) {
        let one = self.root(one);
        let other = self.root(other);
        let first = one.min(other);
        self.owners[one.max(other)] = first;
    }

    /// Is every merged cell a piece of one row or of one column? If not, lines are missing, and
    /// where words stand tells more.
    fn is_whole(&self) -> bool {
        (0..self.owners.len()).all(|cell| {
            let owner = self.owners[cell];
            let columns = self.columns();
            cell / columns == owner / columns || cell % columns == owner % columns
        })
    }
}

/// The tables of a page that are drawn with lines.
pub(super) fn grids(rules: &[Rule]) -> Vec<Grid> {
    let mut rules: Vec<Rule> = [Direction::Across, Direction::Down]
        .into_iter()
        .flat_map(|direction| merged(of_direction(rules, direction)))
        .collect();
    rules.truncate(MOST_RULES);
    connected(&rules).iter().filter_map(|rules| Grid::of(rules)).filter(Grid::is_whole).collect()
}

fn of_direction(rules: &[Rule], direction: Direction) -> Vec<Rule> {
    rules.iter().filter(|rule| rule.direction == direction).copied().collect()
}

/// Joins pieces of lines: programs draw the border of each cell.
fn merged(mut rules: Vec<Rule>) -> Vec<Rule> {
    rules.sort_by(|a, b| a.at.total_cmp(&b.at));
    let mut levels: Vec<Vec<Rule>> = Vec::new();
    for rule in rules {
        match levels.last_mut() {
            Some(level) if rule.at - level[0].at < SAME => level.push(rule),
            _ => levels.push(vec![rule]),
        }
    }

    let mut lines: Vec<Rule> = Vec::new();
    for mut level in levels {
        level.sort_by(|a, b| a.from.total_cmp(&b.from));
        let at = level[0].at;
        let first = lines.len();
        for rule in level {
            match lines[first..].last_mut() {
                Some(line) if rule.from - line.to < TOUCH => line.to = line.to.max(rule.to),
                _ => lines.push(Rule { at, ..rule }),
            }
        }
    }
    lines
}

/// Groups of lines that touch.
fn connected(rules: &[Rule]) -> Vec<Vec<Rule>> {
    let mut group: Vec<Option<usize>> = vec![None; rules.len()];
    let mut groups: Vec<Vec<Rule>> = Vec::new();
    for first in 0..rules.len() {
        if group[first].is_some() {
            continue;
        }
        let number = groups.len();
        let mut members = Vec::new();
        let mut open = vec![first];
        group[first] = Some(number);
        while let Some(at) = open.pop() {
            members.push(rules[at]);
            for (other, rule) in rules.iter().enumerate() {
                if group[other].is_none() && touch(&rules[at], rule) {
                    group[other] = Some(number);
                    open.push(other);
                }
            }
        }
        groups.push(members);
    }
    groups
}

fn touch(one: &Rule, other: &Rule) -> bool {
    let reaches = |a: &Rule, b: &Rule| (a.from - TOUCH..=a.to + TOUCH).contains(&b.at);
    one.direction != other.direction && reaches(one, other) && reaches(other, one)
}

/// The different places of lines, in order.
fn places(rules: &[Rule]) -> Vec<f32> {
    let mut places: Vec<f32> = rules.iter().map(|rule| rule.at).collect();
    places.sort_by(f32::total_cmp);
    places.dedup_by(|next, last| *next - *last < SAME);
    places
}

/// Adds the sides that have no line of their own.
fn extend(places: &mut Vec<f32>, first: f32, last: f32) {
    if places.first().is_some_and(|place| place - first > OPEN_SIDE) {
        places.insert(0, first);
    }
    if places.last().is_some_and(|place| last - place > OPEN_SIDE) {
        places.push(last);
    }
}

/// Does a line cover most of the stretch between two cells?
fn is_drawn(rules: &[Rule], at: f32, from: f32, to: f32) -> bool {
    let covered: f32 = rules
        .iter()
        .filter(|rule| (rule.at - at).abs() < SAME)
        .map(|rule| (rule.to.min(to) - rule.from.max(from)).max(0.0))
        .sum();
    covered > 0.5 * (to - from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn across(y: f32, from: f32, to: f32) -> Rule {
        Rule::new(Direction::Across, y, from, to).unwrap()
    }

    fn down(x: f32, from: f32, to: f32) -> Rule {
        Rule::new(Direction::Down, x, from, to).unwrap()
    }

    #[test]
    fn lines_that_cross_are_a_table_and_missing_ones_merge_its_cells() {
        let rules = [
            across(100.0, 0.0, 90.0),
            across(80.0, 30.0, 90.0),
            across(60.0, 0.0, 90.0),
            down(0.0, 60.0, 100.0),
            down(30.0, 60.0, 100.0),
            down(60.0, 60.0, 100.0),
            down(90.0, 60.0, 100.0),
        ];
        let grids = grids(&rules);
        assert_eq!(grids.len(), 1);
        let grid = &grids[0];
        assert_eq!((grid.rows(), grid.columns()), (2, 3));
        assert_eq!(grid.owner(1, 0), grid.owner(0, 0));
        assert_ne!(grid.owner(1, 1), grid.owner(0, 1));
        assert_eq!(grid.find(40.0, 70.0), Some((1, 1)));
        assert_eq!(grid.find(40.0, 50.0), None);
    }

    #[test]
    fn a_box_and_a_line_below_a_heading_are_no_table() {
        let rules = [
            across(100.0, 0.0, 90.0),
            across(60.0, 0.0, 90.0),
            down(0.0, 60.0, 100.0),
            down(90.0, 60.0, 100.0),
        ];
        assert!(grids(&rules).is_empty());
        assert!(grids(&[across(100.0, 0.0, 90.0)]).is_empty());
        assert!(grids(&[]).is_empty());
    }
}
