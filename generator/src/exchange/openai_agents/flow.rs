//! The order in which code runs agents, as tasks: one after another, side by side, or a graph with
//! conditions. Runs that follow one another are found through functions, branches and loops.

use gantry_domain::matrix::Pattern;
use gantry_domain::spec::{Condition, Edge, GRAPH_END, Graph};

use super::super::code::{Act, Code, Expr, Form, Function, Place, Statement, conditions};
use super::Reader;

/// How deep calls of the project's own functions are followed, and how many runs are looked at.
const DEEPEST: usize = 8;
const MOST_TASKS: usize = 60;

/// A way that waits for what comes next: from which task, and under which condition.
type Open = (Option<usize>, Option<Condition>);

/// What the walk has found.
#[derive(Default)]
struct Walk {
    /// Agents that are run, with where and the text that they are given.
    tasks: Vec<(usize, Place, Option<String>)>,
    /// From a task to the next, or to the end.
    edges: Vec<(usize, Option<usize>, Option<Condition>)>,
    start: Option<usize>,
    /// Whether tasks run side by side somewhere.
    forks: bool,
    /// Whether those are put one after another.
    is_straight: bool,
    /// The ways out of the loops around, innermost last.
    breaks: Vec<Vec<Open>>,
    /// Functions that are being followed.
    inside: Vec<(usize, usize)>,
    notes: Vec<(&'static str, Place, String)>,
}

impl Reader<'_> {
    /// The agents that are run, first things first, and the pattern if their order is one.
    pub(super) fn read_flow(&mut self) -> (Vec<usize>, Option<Pattern>) {
        let mut best: Option<Walk> = None;
        let mut bodies: Vec<Vec<Statement>> = Vec::new();
        for statements in self.statements() {
            bodies.push(statements.to_vec());
            functions(statements, &mut bodies);
        }
        for body in &bodies {
            let walk = self.walked(body, false);
            let agents = |walk: &Walk| distinct(walk).len();
            if best.as_ref().is_none_or(|best| agents(&walk) > agents(best)) {
                best = Some(walk);
            }
        }
        let Some(walk) = best else { return (Vec::new(), None) };
        let runs = distinct(&walk);
        if runs.len() < 2 {
            return (runs, None);
        }
        let is_conditional = |walk: &Walk| {
            let leaves = |task: usize| walk.edges.iter().filter(|(from, ..)| *from == task).count();
            walk.edges.iter().any(|(from, to, when)| when.is_some() || to.is_some_and(|to| to <= *from))
                || (!walk.forks && (0..walk.tasks.len()).any(|task| leaves(task) > 1))
        };
        let mut walk = walk;
        if walk.forks && is_conditional(&walk) {
            // A graph goes one way at a time.
            let longest = bodies.iter().map(|body| self.walked(body, true)).max_by_key(|walk| distinct(walk).len());
            walk = longest.unwrap_or_default();
            if let Some((_, place, _)) = walk.tasks.first() {
                walk.notes.push((
                    "parallel_in_order",
                    *place,
                    "agents run side by side there; beside conditions they run one after another here".to_owned(),
                ));
            }
        }
        let pattern = if is_conditional(&walk) {
            Pattern::Graph
        } else if walk.forks {
            Pattern::Parallel
        } else {
            Pattern::Sequential
        };
        self.keep(&walk, pattern);
        (runs, Some(pattern))
    }

    fn keep(&mut self, walk: &Walk, pattern: Pattern) {
        for (code, place, message) in &walk.notes {
            self.draft.warn(code, self.code.line(*place), message.clone());
        }
        if self.draft.agents.iter().any(|agent| !agent.handoffs.is_empty()) || !self.asked.is_empty() {
            self.draft.warn(
                "handoffs_left_out",
                "/agents",
                "beside the order of the tasks, agents pass on to or ask one another there; only the order is kept",
            );
        }
        for (agent, _, given) in &walk.tasks {
            let role = self.draft.agents[*agent].role.clone();
            let text = given
                .clone()
                .unwrap_or_else(|| format!("Do your part as {role}, with what the person said and what came before."));
            self.draft.task(*agent, text);
        }
        let id = |draft: &super::Draft, task: usize| draft.tasks[task].id.clone();
        match pattern {
            Pattern::Graph => {
                // What has a condition is tried before what has none.
                let mut edges: Vec<_> = walk.edges.iter().collect();
                edges.sort_by_key(|(.., when)| when.is_none());
                let edges = edges
                    .into_iter()
                    .map(|(from, to, when)| Edge {
                        from: id(&self.draft, *from),
                        to: to.map_or_else(|| GRAPH_END.to_owned(), |to| id(&self.draft, to)),
                        when: when.clone(),
                    })
                    .collect();
                let start = id(&self.draft, walk.start.unwrap_or(0));
                self.draft.graph = Some(Graph { start, max_steps: 20, edges });
                self.draft.note(
                    "conditions_on_text",
                    "/graph",
                    "a condition looks for a text in what the task before answered: see whether each says what the code asked",
                );
            }
            _ => {
                for (from, to, _) in &walk.edges {
                    if let Some(to) = to {
                        let before = id(&self.draft, *from);
                        let task = &mut self.draft.tasks[*to];
                        if !task.depends_on.contains(&before) {
                            task.depends_on.push(before);
                        }
                    }
                }
            }
        }
        // The agents in the order in which they are run.
        for agent in distinct(walk).into_iter().rev() {
            let id = self.draft.agents.iter().position(|known| known.id == self.agent_id(agent));
            if let Some(position) = id {
                self.draft.put_first(position);
            }
        }
    }

    /// The id of an agent, whatever became of its place.
    fn agent_id(&self, index: usize) -> String {
        self.ids.get(index).cloned().unwrap_or_default()
    }

    fn walked(&self, body: &[Statement], is_straight: bool) -> Walk {
        let mut walk = Walk { is_straight, ..Walk::default() };
        let open = self.walk(body, vec![(None, None)], &mut walk);
        for (from, when) in open {
            if let Some(from) = from {
                walk.edge(from, None, when);
            }
        }
        walk
    }

    fn walk(&self, statements: &[Statement], mut open: Vec<Open>, walk: &mut Walk) -> Vec<Open> {
        for statement in statements {
            if open.is_empty() || walk.tasks.len() >= MOST_TASKS {
                break;
            }
            open = match &statement.act {
                Act::Set { value, .. } | Act::Value(value) => self.walk_value(value, open, walk),
                Act::Return(value) => {
                    let open = match value {
                        Some(value) => self.walk_value(value, open, walk),
                        None => open,
                    };
                    // Within a function that is followed, it goes on after the call.
                    if !walk.inside.is_empty() {
                        return open;
                    }
                    for (from, when) in open {
                        if let Some(from) = from {
                            walk.edge(from, None, when);
                        }
                    }
                    Vec::new()
                }
                Act::If(branches) => self.walk_branches(branches, open, walk),
                Act::Loop { body, .. } => self.walk_loop(body, statement.at, open, walk),
                Act::Block(body) => self.walk(body, open, walk),
                Act::Break => {
                    match walk.breaks.last_mut() {
                        Some(breaks) => breaks.extend(open),
                        None => return open,
                    }
                    Vec::new()
                }
                Act::Define(_) | Act::Class(_) | Act::Import(_) | Act::Other => open,
            };
        }
        open
    }

    fn walk_branches(
        &self,
        branches: &[(Option<Expr>, Vec<Statement>)],
        mut open: Vec<Open>,
        walk: &mut Walk,
    ) -> Vec<Open> {
        let has_otherwise = branches.iter().any(|(condition, _)| condition.is_none());
        if let Some((Some(condition), _)) = branches.first() {
            open = self.walk_value(condition, open, walk);
        }
        let mut after: Vec<Open> = Vec::new();
        for (condition, body) in branches {
            let entering = match condition {
                None => open.clone(),
                Some(condition) => {
                    // Branches in which nothing of ours happens need no condition.
                    let matters = self.has_run(body, 0) || leaves(body);
                    let found = if matters { conditions(self.code, condition) } else { continue };
                    if found.is_none() && open.iter().any(|(from, _)| from.is_some()) {
                        walk.note(
                            "condition_left_out",
                            condition.at,
                            format!(
                                "the condition {} cannot be said as a text in an answer: this way is always taken until you write one",
                                self.code.excerpt(condition.at)
                            ),
                        );
                    }
                    let mut entering = Vec::new();
                    for (from, earlier) in &open {
                        match (&found, earlier) {
                            (_, Some(earlier)) => entering.push((*from, Some(earlier.clone()))),
                            (None, None) => entering.push((*from, None)),
                            (Some(found), None) => {
                                entering.extend(found.iter().map(|condition| (*from, Some(condition.clone()))));
                            }
                        }
                    }
                    entering
                }
            };
            after.extend(self.walk(body, entering, walk));
        }
        if !has_otherwise {
            after.extend(open);
        }
        after.dedup();
        after
    }

    fn walk_loop(&self, body: &[Statement], at: Place, open: Vec<Open>, walk: &mut Walk) -> Vec<Open> {
        if !self.has_run(body, 0) {
            return open;
        }
        let first = walk.tasks.len();
        walk.breaks.push(Vec::new());
        let mut after = self.walk(body, open, walk);
        let breaks = walk.breaks.pop().unwrap_or_default();
        let ends_somewhere = breaks.iter().any(|(_, when)| when.is_some());
        if ends_somewhere && walk.tasks.len() > first {
            for (from, when) in after.drain(..) {
                if let Some(from) = from {
                    walk.edge(from, Some(first), when);
                }
            }
        } else {
            walk.note(
                "loop_left_out",
                at,
                "what is repeated there is done once here: when it ends is not known from the answers".to_owned(),
            );
        }
        after.extend(breaks);
        after
    }

    fn walk_value(&self, value: &Expr, mut open: Vec<Open>, walk: &mut Walk) -> Vec<Open> {
        if !self.may_go_on() {
            return open;
        }
        match &value.form {
            Form::Call(call) => {
                let name = call.callee.last_name().unwrap_or_default();
                if let Some(agent) = self.agent_run(value) {
                    let given = call.positional().nth(1).or_else(|| call.named("input"));
                    let text = given
                        .and_then(|given| self.code.words(given))
                        .filter(|words| words.open.is_empty() && !words.text.trim().is_empty())
                        .map(|words| words.text.trim().to_owned());
                    return walk.enter(agent, value.at, text, open);
                }
                let is_together = matches!(name, "gather" | "all" | "allSettled");
                let mut arguments: Vec<Expr> = call.arguments.iter().map(|(_, argument)| argument.clone()).collect();
                if let (true, [only]) = (is_together, arguments.as_slice()) {
                    arguments = self.code.items(only);
                }
                if is_together && !walk.is_straight {
                    let mut after = Vec::new();
                    let mut ways = 0;
                    for argument in &arguments {
                        let before = walk.tasks.len();
                        let ends = self.walk_value(argument, open.clone(), walk);
                        if walk.tasks.len() > before {
                            after.extend(ends);
                            ways += 1;
                        }
                    }
                    walk.forks |= ways > 1;
                    return if ways > 0 { after } else { open };
                }
                for argument in &arguments {
                    open = self.walk_value(argument, open, walk);
                }
                if let Form::Member(base, _) = &call.callee.form {
                    open = self.walk_value(base, open, walk);
                }
                match self.followed(value) {
                    Some(function) => self.walk_function(&function, open, walk),
                    None => open,
                }
            }
            Form::Function(function) => self.walk_function(function, open, walk),
            Form::List(items) | Form::Operation(_, items) => {
                for item in items {
                    open = self.walk_value(item, open, walk);
                }
                open
            }
            Form::Member(base, _) | Form::Index(base, _) => self.walk_value(base, open, walk),
            _ => open,
        }
    }

    fn walk_function(&self, function: &Function, open: Vec<Open>, walk: &mut Walk) -> Vec<Open> {
        let key = (function.body_at.file, function.body_at.start);
        if walk.inside.len() >= DEEPEST || walk.inside.contains(&key) {
            return open;
        }
        walk.inside.push(key);
        let breaks = std::mem::take(&mut walk.breaks);
        let open = self.walk(&function.body, open, walk);
        walk.breaks = breaks;
        walk.inside.pop();
        open
    }

    /// The project's own function that a call calls, a method by its name among them.
    fn followed(&self, value: &Expr) -> Option<Function> {
        let call = value.as_call()?;
        let function = match &call.callee.form {
            Form::Name(_) => self.code.function(&call.callee),
            Form::Member(base, method) => match &base.form {
                Form::Name(name) if name == "self" || name == "this" => self.code.modules[value.at.file]
                    .statements
                    .iter()
                    .filter_map(|statement| match &statement.act {
                        Act::Class(class) => Some(&class.body),
                        _ => None,
                    })
                    .flatten()
                    .find_map(|statement| match &statement.act {
                        Act::Define(function) if function.name == *method => Some((**function).clone()),
                        _ => None,
                    }),
                _ => self.code.function(&call.callee),
            },
            _ => None,
        }?;
        (!is_tool(&function)).then_some(function)
    }

    /// The agent that a call runs.
    fn agent_run(&self, value: &Expr) -> Option<usize> {
        let call = value.as_call()?;
        if !matches!(call.callee.last_name(), Some("run" | "run_sync" | "run_streamed" | "runStreamed")) {
            return None;
        }
        self.agent_of(call.argument("starting_agent", 0)?)
    }

    /// Functions that call functions that call functions cost more than they say; false once that is too much.
    fn may_go_on(&self) -> bool {
        let left = self.budget.get();
        self.budget.set(left.saturating_sub(1));
        left > 0
    }

    /// Whether any agent is run in these statements.
    fn has_run(&self, statements: &[Statement], depth: usize) -> bool {
        if !self.may_go_on() {
            return false;
        }
        let mut calls = Vec::new();
        Code::calls(statements, &mut calls);
        calls.iter().any(|call| {
            self.agent_run(call).is_some()
                || (depth < DEEPEST
                    && self.followed(call).is_some_and(|function| self.has_run(&function.body, depth + 1)))
        })
    }
}

impl Walk {
    fn enter(&mut self, agent: usize, at: Place, given: Option<String>, open: Vec<Open>) -> Vec<Open> {
        let task = self.tasks.len();
        self.tasks.push((agent, at, given));
        for (from, when) in open {
            match from {
                Some(from) => self.edge(from, Some(task), when),
                None if self.start.is_none() => self.start = Some(task),
                None if self.forks || when.is_none() => {}
                None => self.note(
                    "start_chosen",
                    at,
                    "which agent is run first depends on something other than an answer; the first that stands there is".to_owned(),
                ),
            }
        }
        vec![(Some(task), None)]
    }

    fn edge(&mut self, from: usize, to: Option<usize>, when: Option<Condition>) {
        let edge = (from, to, when);
        if !self.edges.contains(&edge) {
            self.edges.push(edge);
        }
    }

    fn note(&mut self, code: &'static str, at: Place, message: String) {
        self.notes.push((code, at, message));
    }
}

/// The agents of a walk, each once.
fn distinct(walk: &Walk) -> Vec<usize> {
    let mut agents = Vec::new();
    for (agent, ..) in &walk.tasks {
        if !agents.contains(agent) {
            agents.push(*agent);
        }
    }
    agents
}

/// Whether these statements leave a loop or a function.
fn leaves(statements: &[Statement]) -> bool {
    statements.iter().any(|statement| match &statement.act {
        Act::Break | Act::Return(_) => true,
        Act::If(branches) => branches.iter().any(|(_, body)| leaves(body)),
        Act::Block(body) => leaves(body),
        _ => false,
    })
}

fn is_tool(function: &Function) -> bool {
    function.decorators.iter().any(|decorator| {
        let name = decorator.as_call().map_or(decorator.last_name(), |call| call.callee.last_name());
        name == Some("function_tool")
    })
}

/// The bodies of all functions.
fn functions(statements: &[Statement], found: &mut Vec<Vec<Statement>>) {
    for statement in statements {
        match &statement.act {
            Act::Define(function) if !is_tool(function) => {
                found.push(function.body.clone());
                functions(&function.body, found);
            }
            Act::Class(class) => functions(&class.body, found),
            Act::Set { value, .. } => {
                if let Form::Function(function) = &value.form {
                    found.push(function.body.clone());
                }
            }
            Act::If(branches) => branches.iter().for_each(|(_, body)| functions(body, found)),
            Act::Loop { body, .. } | Act::Block(body) => functions(body, found),
            _ => {}
        }
    }
}
