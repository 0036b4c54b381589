-- How many cannot take anything now, and why.
select (select count(*) from agents where not available) as away,
       (select count(*) from agents where available and open_count >= capacity) as full_hands
