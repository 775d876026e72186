-- +goose Up
-- drop index "throttle_until" from table: "throttles"
DROP INDEX `throttle_until`;
