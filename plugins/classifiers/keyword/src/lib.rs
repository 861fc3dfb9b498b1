//! Boolean keyword rules over title and body.
