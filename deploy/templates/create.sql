-- Once, on the leader, when the cluster is up.
CREATE ROLE handover LOGIN PASSWORD '$handover_password';
CREATE DATABASE "$name" OWNER handover ENCODING 'UTF8' TEMPLATE template0;
