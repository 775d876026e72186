-- +goose Up
-- create "audit_events" table
CREATE TABLE "audit_events" (
  "id" uuid NOT NULL,
  "kind" character varying NOT NULL,
  "user_id" uuid NULL,
  "session_id" uuid NULL,
  "actor" character varying NOT NULL,
  "actor_id" uuid NULL,
  "actor_session_id" uuid NULL,
  "operator" character varying NULL,
  "ip" character varying NULL,
  "user_agent" character varying NULL,
  "request_id" character varying NULL,
  "before" character varying NULL,
  "after" character varying NULL,
  "detail" character varying NULL,
  "omitted" bigint NOT NULL,
  PRIMARY KEY ("id")
);
-- create index "auditevent_actor_id_id" to table: "audit_events"
CREATE INDEX "auditevent_actor_id_id" ON "audit_events" ("actor_id", "id");
-- create index "auditevent_kind_id" to table: "audit_events"
CREATE INDEX "auditevent_kind_id" ON "audit_events" ("kind", "id");
-- create index "auditevent_user_id_id" to table: "audit_events"
CREATE INDEX "auditevent_user_id_id" ON "audit_events" ("user_id", "id");
