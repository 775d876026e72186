-- +goose Up
-- create "audit_seals" table
CREATE TABLE `audit_seals` (
  `id` integer NOT NULL,
  `since` datetime NOT NULL,
  `until` datetime NOT NULL,
  `kept` datetime NOT NULL,
  `members` blob NOT NULL,
  `hashes` blob NOT NULL,
  `root` blob NOT NULL,
  `previous` blob NOT NULL,
  `key` text NOT NULL,
  `signature` blob NOT NULL,
  PRIMARY KEY (`id`)
);
