//! The component's export; filled when the SDK's macro is there.
