//! What a plugin call may use, tuned by host, plugin and unit: `limits` of the
//! configuration. The host's default holds unless a plugin has its own figure;
//! no unit's cap and no ceiling is ever passed. Nothing here measures or stops
//! a call: the sandbox does.

use std::borrow::Cow;
use std::collections::BTreeMap;

use huiyin_sandbox::{LimitName, Limits};
use serde::{Deserialize, Serialize};

/// `limits` of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct LimitsConfig {
    /// Bytes that one value may take as JSON: an input, an output, a call's
    /// arguments or result, an event, an item. See [`huiyin_partition::value_limits`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload_bytes: Option<u64>,
    /// Bytes that one run's whole state may take as JSON: its input, its
    /// context, what its tasks at work hold, the events it has heard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_bytes: Option<u64>,
    /// Bytes of free space on the disk below which runs, calls and sources wait and nothing more comes in;
    /// below a quarter of it people's acts, too. See [`crate::space`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reserve_bytes: Option<u64>,
    /// What a call gets where nothing else is said.
    pub default: Tuned,
    /// What no call gets more than.
    pub ceiling: Tuned,
    /// A plugin's own figures, by `name` or `name:version`; the version's own count first.
    pub plugins: BTreeMap<String, Tuned>,
    /// What no call on behalf of a unit gets more than, by the unit's code.
    pub units: BTreeMap<String, Tuned>,
}

macro_rules! tuned {
    ($($name:ident),+) => {
        /// Some of the limits of [`Limits`], in its units.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Tuned {
            $(#[doc = concat!("See [`Limits::", stringify!($name), "`].")]
            #[serde(skip_serializing_if = "Option::is_none")]
            pub $name: Option<u64>,)+
            /// See [`Limits::fuel`].
            #[serde(skip_serializing_if = "Option::is_none")]
            pub fuel: Option<u64>,
        }

        impl From<&Limits> for Tuned {
            /// Every figure of these limits.
            fn from(limits: &Limits) -> Tuned {
                Tuned { $($name: Some(limits.$name),)+ fuel: limits.fuel }
            }
        }

        impl Tuned {
            /// These figures, and `base` where there is none.
            fn over(&self, base: &Limits) -> Limits {
                Limits { $($name: self.$name.unwrap_or(base.$name),)+ fuel: self.fuel.or(base.fuel) }
            }

            /// `base`, none of it above these figures.
            fn cap(&self, base: &Limits) -> Limits {
                self.over(&Limits { $($name: u64::MAX,)+ fuel: None }).at_most(base)
            }

            /// Every figure that is set.
            fn set(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name),)+ ("fuel", self.fuel)]
                    .into_iter()
                    .filter_map(|(name, value)| Some((name, value?)))
            }
        }

        fn figure(limits: &Limits, name: &str) -> Option<u64> {
            match name {
                $(stringify!($name) => Some(limits.$name),)+
                _ => limits.fuel,
            }
        }
    };
}

tuned!(
    wall_ms,
    memory_bytes,
    table_elements,
    instances,
    input_bytes,
    output_bytes,
    log_bytes,
    log_lines,
    http_requests,
    request_bytes,
    response_bytes,
    spool_files,
    spool_bytes,
    header_bytes,
    headers,
    decode_ratio,
    connect_ms,
    first_byte_ms,
    idle_ms,
    request_ms
);

/// Limits that were checked.
#[derive(Debug, Clone)]
pub struct Tuning {
    default: Limits,
    ceiling: Limits,
    plugins: BTreeMap<String, Tuned>,
    units: BTreeMap<String, Tuned>,
}

impl Tuning {
    /// The same for every plugin and unit.
    pub fn plain(default: &Limits) -> Tuning {
        let ceiling = Limits::ceiling();
        Tuning { default: default.at_most(&ceiling), ceiling, plugins: BTreeMap::new(), units: BTreeMap::new() }
    }

    /// What the configuration says, over `base` where it says nothing.
    ///
    /// # Errors
    /// Everything that is wrong, each with its JSON pointer.
    pub fn read(config: &LimitsConfig, base: &Limits) -> Result<Tuning, Vec<String>> {
        let mut problems = Vec::new();
        let most = Limits::ceiling();
        check(&mut problems, "ceiling", &config.ceiling, &most, "what any host may allow");
        let ceiling = config.ceiling.over(&most).at_most(&most);
        let own = "`/limits/ceiling`";
        check(&mut problems, "default", &config.default, &ceiling, own);
        for (plugin, tuned) in &config.plugins {
            let bare = plugin.split(':').next().unwrap_or_default();
            if bare.is_empty() || plugin.ends_with(':') {
                problems.push(format!(
                    "/limits/plugins/{}: `{plugin}` is no plugin; write name or name:version",
                    token(plugin)
                ));
            }
            check(&mut problems, &format!("plugins/{}", token(plugin)), tuned, &ceiling, own);
        }
        for (unit, tuned) in &config.units {
            check(&mut problems, &format!("units/{}", token(unit)), tuned, &ceiling, own);
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let default = config.default.over(base).at_most(&ceiling);
        Ok(Tuning { default, ceiling, plugins: config.plugins.clone(), units: config.units.clone() })
    }

    /// What a call of a plugin, `name:version`, may use on behalf of a unit:
    /// the plugin's figures or the default, at most the unit's and the ceiling.
    pub fn of(&self, plugin: &str, unit: &str) -> Cow<'_, Limits> {
        if self.plugins.is_empty() && self.units.is_empty() {
            return Cow::Borrowed(&self.default);
        }
        let mut limits = Cow::Borrowed(&self.default);
        for tuned in [bare(plugin), plugin].into_iter().filter_map(|name| self.plugins.get(name)) {
            limits = Cow::Owned(tuned.over(&limits));
        }
        if let Some(cap) = self.units.get(unit) {
            limits = Cow::Owned(cap.cap(&limits));
        }
        match limits {
            Cow::Owned(limits) => Cow::Owned(limits.at_most(&self.ceiling)),
            whole @ Cow::Borrowed(_) => whole,
        }
    }

    /// What holds where nothing else is said.
    pub fn default(&self) -> &Limits {
        &self.default
    }

    /// Whether instructions must be counted.
    pub fn counts_fuel(&self) -> bool {
        let tuned = self.plugins.values().chain(self.units.values());
        self.default.fuel.is_some() || tuned.into_iter().any(|tuned| tuned.fuel.is_some())
    }

    /// Where a limit that was reached can be raised, for people; none for one
    /// that the configuration does not set.
    pub fn advice(&self, limit: LimitName, plugin: &str, unit: &str) -> Option<String> {
        let name = limit.key();
        let value = figure(&self.of(plugin, unit), name)?;
        let is = |tuned: Option<&Tuned>| {
            tuned.is_some_and(|tuned| tuned.set().any(|(set, figure)| set == name && figure == value))
        };
        let (place, most) = if matches!(limit, LimitName::StackBytes | LimitName::Handles) {
            return None;
        } else if is(self.units.get(unit)) {
            (format!("units/{}", token(unit)), figure(&self.ceiling, name))
        } else if figure(&self.ceiling, name) == Some(value) {
            ("ceiling".to_owned(), figure(&Limits::ceiling(), name))
        } else if is(self.plugins.get(bare(plugin))) && !is(self.plugins.get(plugin)) {
            (format!("plugins/{}", token(bare(plugin))), figure(&self.ceiling, name))
        } else if plugin.is_empty() {
            ("default".to_owned(), figure(&self.ceiling, name))
        } else {
            (format!("plugins/{}", token(plugin)), figure(&self.ceiling, name))
        };
        let most = most.filter(|most| *most > value).map_or_else(String::new, |most| format!(", at most {most}"));
        Some(format!("raise `/limits/{place}/{name}` of huiyin.json{most}"))
    }
}

fn bare(plugin: &str) -> &str {
    plugin.split(':').next().unwrap_or(plugin)
}

/// A key as a token of a JSON pointer.
fn token(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn check(problems: &mut Vec<String>, place: &str, tuned: &Tuned, most: &Limits, whose: &str) {
    for (name, value) in tuned.set() {
        if value == 0 {
            problems.push(format!("/limits/{place}/{name}: is 0; leave it out, or allow something"));
        } else if let Some(most) = figure(most, name).filter(|most| value > *most) {
            problems.push(format!("/limits/{place}/{name}: {value} is above {most}, {whose}"));
        }
    }
}

/// The largest arguments and the largest answer of a call, in bytes: they are read and written out here.
const VALUE: u64 = 64 << 10;

/// The most memory of a call, in bytes. Filling or copying it is one instruction, within
/// which a guest does not look at the clock.
const MEMORY: u64 = 8 << 20;

/// Narrows the limits of a call that may not hold its thread up.
pub fn narrow(limits: &mut Limits) {
    limits.input_bytes = limits.input_bytes.min(VALUE);
    limits.output_bytes = limits.output_bytes.min(VALUE);
    limits.memory_bytes = limits.memory_bytes.min(MEMORY);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn config(json: serde_json::Value) -> LimitsConfig {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn the_version_counts_before_the_name_and_the_tightest_cap_before_both() {
        let tuning = Tuning::read(
            &config(serde_json::json!({
                "default": {"wall_ms": 5_000, "memory_bytes": 1_000_000},
                "ceiling": {"wall_ms": 30_000},
                "plugins": {"feed": {"wall_ms": 20_000}, "feed:0.2.0": {"wall_ms": 25_000}},
                "units": {"cuihu": {"wall_ms": 10_000}},
            })),
            &Limits::default(),
        )
        .unwrap();
        let wall = |plugin, unit| tuning.of(plugin, unit).wall_ms;
        assert_eq!(wall("keyword:0.1.0", "linhai"), 5_000);
        assert_eq!(wall("keyword:0.1.0", "cuihu"), 5_000);
        assert_eq!((wall("feed:0.1.0", "linhai"), wall("feed:0.2.0", "linhai")), (20_000, 25_000));
        assert_eq!((wall("feed:0.1.0", "cuihu"), wall("feed:0.2.0", "cuihu")), (10_000, 10_000));
        assert_eq!(tuning.of("feed:0.2.0", "cuihu").memory_bytes, 1_000_000);
        let advice = |plugin, unit| tuning.advice(LimitName::WallMs, plugin, unit).unwrap();
        assert_eq!(advice("feed:0.1.0", "cuihu"), "raise `/limits/units/cuihu/wall_ms` of huiyin.json, at most 30000");
        assert_eq!(
            advice("feed:0.1.0", "linhai"),
            "raise `/limits/plugins/feed/wall_ms` of huiyin.json, at most 30000"
        );
        assert!(advice("feed:0.2.0", "linhai").contains("/limits/plugins/feed:0.2.0/wall_ms"));
        assert!(advice("keyword:0.1.0", "cuihu").contains("/limits/plugins/keyword:0.1.0/wall_ms"));
        assert_eq!(tuning.advice(LimitName::Handles, "feed:0.1.0", "cuihu"), None);
    }

    #[test]
    fn figures_that_cannot_be_are_refused_with_their_place() {
        let wrong = config(serde_json::json!({
            "default": {"wall_ms": 700_000, "instances": 0},
            "ceiling": {"memory_bytes": 9_999_999_999_999_u64},
            "plugins": {"a/b": {"log_lines": 10_001}},
        }));
        let problems = Tuning::read(&wrong, &Limits::default()).unwrap_err();
        let places: Vec<&str> = problems.iter().filter_map(|p| p.split(": ").next()).collect();
        let expected = [
            "/limits/ceiling/memory_bytes",
            "/limits/default/wall_ms",
            "/limits/default/instances",
            "/limits/plugins/a~1b/log_lines",
        ];
        assert_eq!(places, expected, "{problems:?}");
        assert!(serde_json::from_value::<LimitsConfig>(serde_json::json!({"default": {"wallMs": 1}})).is_err());
    }

    fn tuned() -> impl Strategy<Value = Tuned> {
        (prop::option::of(1..600_000_u64), prop::option::of(1..1_000_u64)).prop_map(|(wall_ms, http_requests)| Tuned {
            wall_ms,
            http_requests,
            ..Tuned::default()
        })
    }

    proptest! {
        /// Whatever is configured: no figure passes a cap that stands for it.
        #[test]
        fn no_cap_is_ever_passed(default in tuned(), ceiling in tuned(), plugin in tuned(), unit in tuned()) {
            let config = LimitsConfig {
                payload_bytes: None,
                state_bytes: None,
                reserve_bytes: None,
                default, ceiling,
                plugins: BTreeMap::from([("p".to_owned(), plugin)]),
                units: BTreeMap::from([("u".to_owned(), unit)]),
            };
            let Ok(tuning) = Tuning::read(&config, &Limits::default()) else { return Ok(()) };
            for (plugin, unit) in [("p:1.0.0", "u"), ("p:1.0.0", "v"), ("q:1.0.0", "u"), ("q:1.0.0", "v")] {
                let found = tuning.of(plugin, unit);
                for (name, most) in config.ceiling.set() {
                    prop_assert!(figure(&found, name) <= Some(most));
                }
                for (name, most) in config.units["u"].set() {
                    prop_assert!(unit != "u" || figure(&found, name) <= Some(most));
                }
                prop_assert_eq!(&*found, &found.at_most(&Limits::ceiling()));
            }
        }
    }
}
