"""What people see of the work and do about it: lists, one order's story, and the acts that steer it."""
