-- Who knows a customer is looked up at every tick; see preferred.sql.
create index inquiries_customer on inquiries (customer_id);
