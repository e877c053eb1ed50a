//! The integration tests, one program. `support` builds signed code; each other module is about one promise.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::string_slice,
    clippy::unwrap_used
)]

mod support;
#[path = "../fuzz/src/targets.rs"]
mod targets;
#[path = "../fuzz/src/work.rs"]
mod work;

mod archive_kinds;
mod archive_readers;
mod archives;
mod attached_data;
mod bits;
mod blob_lookup;
mod bounded;
mod broken_app;
mod budget;
mod budgets;
mod bundles;
mod causes;
mod closing;
mod command_line;
mod corpus;
mod coverage;
mod covered_entitlements;
mod decisions;
mod designated;
mod detached;
mod endings;
mod endings_output;
mod entitlements_table;
mod expansion;
mod first_hour;
mod formats;
mod fuzzing;
mod gatekeeper;
mod habits;
mod hostile;
mod hostile_identity;
mod hostile_shapes;
mod identity;
mod inspections;
mod items;
mod kernels;
mod layers;
mod left_out;
mod library;
mod limits;
mod limits_page;
mod linked_layout;
mod links_by_text;
mod manual;
mod many;
mod matrix;
mod memory;
mod mutations;
mod naive;
mod no_false_alarms;
mod openssl;
mod oracle;
mod own_files;
mod parity;
mod parity_claims;
mod parity_display;
mod parity_links;
mod parity_verbosity;
mod partial_runs;
mod plist_forms;
mod precedence;
mod profiles;
mod public_face;
mod real_bundles;
mod real_findings;
mod remedies;
mod repairs;
mod reports;
mod requirement_text;
mod requirements;
mod reservations;
mod rows_blobs;
mod rows_bundles;
mod rows_directories;
mod rows_macho;
mod rows_seals;
mod rows_sources;
mod rules_app_store;
mod rules_constraints;
mod rules_distribution;
mod rules_entitlements;
mod rules_expectations;
mod rules_image;
mod rules_launchd;
mod rules_linkage;
mod rules_misplaced;
mod rules_modes;
mod rules_nesting;
mod rules_normalization;
mod rules_page;
mod rules_places;
mod rules_plist;
mod rules_profiles;
mod rules_run_time;
mod rules_sandbox;
mod rules_services;
mod rules_signing;
mod rules_sparkle;
mod rules_tickets;
mod rules_timestamps;
mod sarif;
mod schema;
mod second_plist;
mod signed_lists;
mod sizes;
mod slices;
mod slices_as_read;
mod spellings;
mod statuses;
mod supply;
mod survey;
mod tickets;
mod timings;
mod unicode_names;
mod unreadable;
mod usage;
mod width;
mod zip_faults;
mod zip_operand;
mod zip_pager;
mod zip_streams;
