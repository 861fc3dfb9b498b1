//! Content, public reaction and media involvement to a level.
