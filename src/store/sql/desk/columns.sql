-- An inquiry as a list shows it; what follows says where it comes from.
select i.inquiry_id, i.subject, i.text, i.language, i.priority, i.channel, i.status, i.skills, i.reason, i.received_at, i.generation,
       i.corrected_skill, a.agent_id, a.accepted_at, a.expires_at, g.name as agent_name, g.team as agent_team
