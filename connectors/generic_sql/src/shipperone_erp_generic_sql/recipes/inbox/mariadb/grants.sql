-- The connector's login: it may ask and look, and nothing else. Put a password of your own.
CREATE USER shipperone IDENTIFIED BY 'change me';
GRANT SELECT, INSERT ON shipperone_inbox TO shipperone;
