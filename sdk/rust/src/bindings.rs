//! The bindings that wit-bindgen makes from `sdk/wit/0.1`; wasm only, and not
//! part of the API. One module per exported interface, so that a plugin
//! exports its own kind and `info` and nothing else; all share the types and
//! imports of [`host`].
#![allow(unsafe_code, missing_docs, unreachable_pub, clippy::all, clippy::pedantic)]

pub mod host {
    wit_bindgen::generate!({
        path: "../wit/0.1",
        inline: "package huiyin:sdk; world host {
            import huiyin:plugin/types@0.1.0;
            import huiyin:plugin/log@0.1.0;
            import huiyin:plugin/secrets@0.1.0;
            import huiyin:plugin/spool@0.1.0;
            import huiyin:plugin/kv@0.1.0;
        }",
        world: "huiyin:sdk/host",
        generate_all,
        generate_unused_types: true,
        pub_export_macro: true,
    });
}

pub mod info {
    wit_bindgen::generate!({
        path: "../wit/0.1",
        inline: "package huiyin:sdk; world info { export huiyin:plugin/info@0.1.0; }",
        world: "huiyin:sdk/info",
        pub_export_macro: true,
        export_macro_name: "export_info",
    });
}

pub mod collector {
    wit_bindgen::generate!({
        path: "../wit/0.1",
        inline: "package huiyin:sdk; world collector { export huiyin:plugin/collector@0.1.0; }",
        world: "huiyin:sdk/collector",
        with: { "huiyin:plugin/types@0.1.0": crate::bindings::host::huiyin::plugin::types },
        pub_export_macro: true,
        export_macro_name: "export_collector",
    });
}

pub mod classifier {
    wit_bindgen::generate!({
        path: "../wit/0.1",
        inline: "package huiyin:sdk; world classifier { export huiyin:plugin/classifier@0.1.0; }",
        world: "huiyin:sdk/classifier",
        with: { "huiyin:plugin/types@0.1.0": crate::bindings::host::huiyin::plugin::types },
        pub_export_macro: true,
        export_macro_name: "export_classifier",
    });
}

pub mod reporter {
    wit_bindgen::generate!({
        path: "../wit/0.1",
        inline: "package huiyin:sdk; world reporter { export huiyin:plugin/reporter@0.1.0; }",
        world: "huiyin:sdk/reporter",
        with: { "huiyin:plugin/types@0.1.0": crate::bindings::host::huiyin::plugin::types },
        pub_export_macro: true,
        export_macro_name: "export_reporter",
    });
}

pub mod notifier {
    wit_bindgen::generate!({
        path: "../wit/0.1",
        inline: "package huiyin:sdk; world notifier { export huiyin:plugin/notifier@0.1.0; }",
        world: "huiyin:sdk/notifier",
        with: { "huiyin:plugin/types@0.1.0": crate::bindings::host::huiyin::plugin::types },
        pub_export_macro: true,
        export_macro_name: "export_notifier",
    });
}

pub mod step {
    wit_bindgen::generate!({
        path: "../wit/0.1",
        inline: "package huiyin:sdk; world step { export huiyin:plugin/step@0.1.0; }",
        world: "huiyin:sdk/step",
        with: { "huiyin:plugin/types@0.1.0": crate::bindings::host::huiyin::plugin::types },
        pub_export_macro: true,
        export_macro_name: "export_step",
    });
}
