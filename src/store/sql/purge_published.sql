-- With their deliveries, unless one of these is still to be sent.
delete from outbox
where published_at < $1
    and not exists (select 1 from webhook_deliveries d where d.outbox_id = outbox.outbox_id and d.state = 'pending')
