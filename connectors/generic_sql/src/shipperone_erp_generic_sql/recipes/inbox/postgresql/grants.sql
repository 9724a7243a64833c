-- The connector's login: it may ask and look, and nothing else. Put a password of your own.
CREATE ROLE shipperone LOGIN PASSWORD 'change me';
GRANT SELECT, INSERT ON shipperone_inbox TO shipperone;
