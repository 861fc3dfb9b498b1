//! `wasi:clocks`: the real clocks for plugins that were granted them. For all
//! others time stands still at the call's journaled time, so that what such a
//! plugin says does not depend on when it ran. Waiting (`subscribe-*`) takes
//! real time for both: a time-out is no clock.

use wasmtime::component::Resource;
use wasmtime_wasi::clocks::WasiClocksView as _;
use wasmtime_wasi::p2::DynPollable;
use wasmtime_wasi::p2::bindings::clocks::{monotonic_clock, wall_clock};

use crate::effect::Guest;

/// The journaled time, in milliseconds since the Unix epoch; none where the
/// clocks are real.
pub(crate) type Stopped = Option<u64>;

impl wall_clock::Host for Guest {
    fn now(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        match self.stopped {
            Some(at) => Ok(wall_clock::Datetime {
                seconds: at / 1_000,
                nanoseconds: u32::try_from(at % 1_000).unwrap_or_default() * 1_000_000,
            }),
            None => wall_clock::Host::now(&mut self.clocks()),
        }
    }

    fn resolution(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        match self.stopped {
            Some(_) => Ok(wall_clock::Datetime { seconds: 0, nanoseconds: 1_000_000 }),
            None => wall_clock::Host::resolution(&mut self.clocks()),
        }
    }
}

impl monotonic_clock::Host for Guest {
    fn now(&mut self) -> wasmtime::Result<u64> {
        match self.stopped {
            Some(_) => Ok(0),
            None => monotonic_clock::Host::now(&mut self.clocks()),
        }
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        match self.stopped {
            Some(_) => Ok(1_000_000),
            None => monotonic_clock::Host::resolution(&mut self.clocks()),
        }
    }

    fn subscribe_instant(&mut self, when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        match self.stopped {
            // The clock stands at 0: an instant is as far away as it is large.
            Some(_) => self.clocks().subscribe_duration(when),
            None => self.clocks().subscribe_instant(when),
        }
    }

    fn subscribe_duration(&mut self, duration: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.clocks().subscribe_duration(duration)
    }
}
