-- +goose Up
-- PostgreSQL never gives a number twice.
SELECT 1;
