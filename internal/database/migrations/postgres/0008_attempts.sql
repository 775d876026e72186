-- +goose NO TRANSACTION
-- +goose Up
-- drop index "throttle_until" from table: "throttles"; an attempt then changes no index, and finds room in its page
DROP INDEX CONCURRENTLY IF EXISTS "throttle_until";
ALTER TABLE "throttles" SET (fillfactor = 70);
