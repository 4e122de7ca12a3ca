//! What only shows in the machines of the lab: in the API server's log, and when one of its processes stops.

mod api_server;
mod audit;
mod rbac;
mod writes;
