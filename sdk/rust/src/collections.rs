//! Maps whose order of iteration is the same on every machine and every run.

use std::hash::{BuildHasherDefault, DefaultHasher};

pub use std::collections::{BTreeMap, BTreeSet};

/// The standard map with a fixed hasher: `HashMap::default()` makes one.
/// (std's own seeds itself from addresses, which differ between builds.)
pub type HashMap<K, V> = std::collections::HashMap<K, V, BuildHasherDefault<DefaultHasher>>;

/// The standard set with a fixed hasher: `HashSet::default()` makes one.
pub type HashSet<T> = std::collections::HashSet<T, BuildHasherDefault<DefaultHasher>>;
