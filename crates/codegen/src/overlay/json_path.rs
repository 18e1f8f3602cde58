//! Evaluates JSONPath (RFC 9535), without slices and functions, which the parser reports.

use serde_json::Value;

use crate::step;

/// A query that starts at the root of a document.
#[derive(Debug)]
pub(super) struct Path(pub(super) Vec<Segment>);

#[derive(Debug)]
pub(super) struct Segment {
    /// Whether the selectors apply to the value and to everything in it, as `..` states.
    pub(super) descends: bool,
    pub(super) selectors: Vec<Selector>,
}

#[derive(Debug)]
pub(super) enum Selector {
    Name(String),
    /// Counted from the end where it is negative.
    Index(i64),
    Wildcard,
    Filter(Condition),
}

/// The condition of a filter, which is tested for each child.
#[derive(Debug)]
pub(super) enum Condition {
    Any(Vec<Self>),
    All(Vec<Self>),
    Not(Box<Self>),
    Exists(Query),
    Compare(Operand, Comparison, Operand),
}

/// A path in a condition: from the child that is tested, or from the root.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) is_absolute: bool,
    pub(super) path: Path,
}

#[derive(Debug)]
pub(super) enum Operand {
    Literal(Value),
    /// Selects one value at most.
    Query(Query),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// The steps from the root to a value.
pub(super) type Location = Vec<Step>;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Name(String),
    Index(usize),
}

/// A location as a JSON pointer.
pub(super) fn pointer(location: &[Step]) -> String {
    location
        .iter()
        .map(|part| match part {
            Step::Name(name) => step(name),
            Step::Index(index) => format!("/{index}"),
        })
        .collect()
}

type Node<'a> = (Location, &'a Value);

impl Path {
    /// The locations of the values that the path selects in `document`.
    pub(super) fn locations(&self, document: &Value) -> Vec<Location> {
        let nodes = self.nodes(document, document);
        nodes.into_iter().map(|(location, _)| location).collect()
    }

    fn nodes<'a>(&self, root: &'a Value, from: &'a Value) -> Vec<Node<'a>> {
        let mut nodes = vec![(Vec::new(), from)];
        for segment in &self.0 {
            let mut inputs = nodes;
            if segment.descends {
                inputs = inputs.into_iter().flat_map(with_descendants).collect();
            }
            nodes = Vec::new();
            for node in &inputs {
                for selector in &segment.selectors {
                    selector.select(root, node, &mut nodes);
                }
            }
        }
        nodes
    }
}

impl Selector {
    fn select<'a>(&self, root: &'a Value, node: &Node<'a>, selected: &mut Vec<Node<'a>>) {
        match (self, node.1) {
            (Self::Name(name), Value::Object(map)) => {
                let value = map.get(name);
                selected.extend(value.map(|value| child(node, Step::Name(name.clone()), value)));
            }
            (Self::Index(index), Value::Array(items)) => {
                let back = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
                let index = match *index < 0 {
                    true => items.len().checked_sub(back),
                    false => Some(back),
                };
                let found = index.and_then(|index| Some((index, items.get(index)?)));
                selected.extend(found.map(|(index, value)| child(node, Step::Index(index), value)));
            }
            (Self::Wildcard, _) => selected.extend(children(node)),
            (Self::Filter(condition), _) => {
                let children = children(node).into_iter();
                selected.extend(children.filter(|(_, value)| condition.holds(root, value)));
            }
            _ => {}
        }
    }
}

fn child<'a>(parent: &Node<'a>, step: Step, value: &'a Value) -> Node<'a> {
    let mut location = parent.0.clone();
    location.push(step);
    (location, value)
}

fn children<'a>(node: &Node<'a>) -> Vec<Node<'a>> {
    let named = |(name, value): (&String, &'a Value)| child(node, Step::Name(name.clone()), value);
    let counted = |(index, value)| child(node, Step::Index(index), value);
    match node.1 {
        Value::Object(map) => map.iter().map(named).collect(),
        Value::Array(items) => items.iter().enumerate().map(counted).collect(),
        _ => Vec::new(),
    }
}

fn with_descendants(node: Node<'_>) -> Vec<Node<'_>> {
    let below = children(&node).into_iter().flat_map(with_descendants);
    let below: Vec<Node<'_>> = below.collect();
    std::iter::once(node).chain(below).collect()
}

impl Condition {
    fn holds(&self, root: &Value, child: &Value) -> bool {
        match self {
            Self::Any(parts) => parts.iter().any(|part| part.holds(root, child)),
            Self::All(parts) => parts.iter().all(|part| part.holds(root, child)),
            Self::Not(part) => !part.holds(root, child),
            Self::Exists(query) => !query.values(root, child).is_empty(),
            Self::Compare(left, comparison, right) => {
                comparison.holds(left.value(root, child), right.value(root, child))
            }
        }
    }
}

impl Query {
    fn values<'a>(&self, root: &'a Value, child: &'a Value) -> Vec<Node<'a>> {
        let from = if self.is_absolute { root } else { child };
        self.path.nodes(root, from)
    }
}

impl Operand {
    fn value<'a>(&'a self, root: &'a Value, child: &'a Value) -> Option<&'a Value> {
        match self {
            Self::Literal(value) => Some(value),
            Self::Query(query) => query.values(root, child).first().map(|(_, value)| *value),
        }
    }
}

impl Comparison {
    /// Two absent values are equal, and only numbers and texts have an order (RFC 9535, section 2.3.5.2.2).
    fn holds(self, left: Option<&Value>, right: Option<&Value>) -> bool {
        let equal = || match (left, right) {
            (Some(Value::Number(left)), Some(Value::Number(right))) => {
                left == right || left.as_f64() == right.as_f64()
            }
            (left, right) => left == right,
        };
        let less = |left: Option<&Value>, right: Option<&Value>| match (left, right) {
            (Some(Value::Number(left)), Some(Value::Number(right))) => {
                left.as_f64() < right.as_f64()
            }
            (Some(Value::String(left)), Some(Value::String(right))) => left < right,
            _ => false,
        };
        match self {
            Self::Equal => equal(),
            Self::NotEqual => !equal(),
            Self::Less => less(left, right),
            Self::LessOrEqual => less(left, right) || equal(),
            Self::Greater => less(right, left),
            Self::GreaterOrEqual => less(right, left) || equal(),
        }
    }
}
