"""The operator's side: lists, the timeline of one order, and the actions that change a job."""
