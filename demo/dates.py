"""The demo is loaded in a minute and tells of a year and a half: what was written on the way is dated as it happened in the story,
so that each timeline reads in its order. Only the demo's own rows are touched."""

from __future__ import annotations

from django.db import connection, transaction

from programs.models import Program

DATED = [
    # What was made, when it was made in the story.
    """UPDATE core_event SET at = (SELECT created_at FROM programs_program WHERE id = %(program)s)
       WHERE name = 'program.created' AND about[1] = 'program:' || %(program)s""",
    """UPDATE core_event e SET at = o.created_at FROM programs_offer o
       WHERE o.program_id = %(program)s AND e.name = 'offer.created' AND e.about[1] = 'offer:' || o.id""",
    """UPDATE core_event e SET at = a.created_at FROM affiliates_affiliate a JOIN affiliates_enrollment n ON n.affiliate_id = a.id
       WHERE n.program_id = %(program)s AND e.name = 'affiliate.created' AND e.about[1] = 'affiliate:' || a.id""",
    """UPDATE core_event e SET at = n.created_at FROM affiliates_enrollment n
       WHERE n.program_id = %(program)s AND e.name IN ('enrollment.applied', 'enrollment.approved')
         AND e.about[1] = 'enrollment:' || n.id""",
    """UPDATE core_mail m SET created_at = n.created_at FROM affiliates_enrollment n
       WHERE n.program_id = %(program)s AND m.about @> ARRAY['enrollment:' || n.id]::varchar[]""",
    """UPDATE core_event e SET at = l.created_at FROM tracking_link l JOIN programs_offer o ON o.id = l.offer_id
       WHERE o.program_id = %(program)s AND e.name = 'link.created' AND e.about[1] = 'link:' || l.id""",
    """UPDATE core_event e SET at = c.created_at FROM tracking_coupon c
       WHERE c.program_id = %(program)s AND e.name = 'coupon.created' AND e.about[1] = 'coupon:' || c.id""",
    # Orders, when they were placed.
    """UPDATE core_event e SET at = v.occurred_at FROM tracking_conversion v
       WHERE v.program_id = %(program)s AND e.name = 'conversion.recorded' AND e.about[1] = 'conversion:' || v.id""",
    # Batches were computed, and the first one cancelled, when they had just been made.
    """UPDATE core_event e SET at = made.at + CASE e.name WHEN 'batch.computed' THEN '9 seconds' ELSE '1 hour' END::interval
       FROM core_event made JOIN payouts_payoutbatch b ON made.about[1] = 'payoutbatch:' || b.id
       WHERE b.program_id = %(program)s AND made.name = 'batch.created'
         AND e.name IN ('batch.computed', 'batch.cancelled') AND e.about[1] = made.about[1]""",
    # Rules, when they began.
    """UPDATE core_event e SET at = v.starts_at FROM commissions_ruleversion v JOIN commissions_commissionrule r ON r.id = v.rule_id
       WHERE r.program_id = %(program)s AND e.name IN ('rule.created', 'rule.revised') AND e.about[1] = 'commissionrule:' || r.id
         AND (e.data->>'version')::int = v.number""",
    # Payout methods were set by affiliates on their first day.
    """UPDATE payouts_payoutmethod m SET created_at = a.created_at, usable_from = a.created_at
       FROM affiliates_affiliate a JOIN affiliates_enrollment e ON e.affiliate_id = a.id
       WHERE e.program_id = %(program)s AND m.affiliate_id = a.id""",
    """UPDATE core_event e SET at = a.created_at
       FROM affiliates_affiliate a JOIN affiliates_enrollment n ON n.affiliate_id = a.id
       WHERE n.program_id = %(program)s AND e.name = 'payout_method.changed' AND e.about @> ARRAY['affiliate:' || a.id]::varchar[]""",
    # Each payout's mail was written when it was paid.
    """UPDATE core_mail m SET created_at = p.paid_at FROM payouts_payout p JOIN payouts_payoutbatch b ON b.id = p.batch_id
       WHERE b.program_id = %(program)s AND p.paid_at IS NOT NULL AND m.about @> ARRAY['payout:' || p.id]::varchar[]""",
]


@transaction.atomic
def date_the_story(program: Program) -> None:
    with connection.cursor() as cursor:
        for statement in DATED:
            cursor.execute(statement, {"program": program.pk})
