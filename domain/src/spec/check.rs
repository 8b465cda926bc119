//! Rules of a spec that its types cannot express: references, names, limits.
