"""The report of a campaign: payloads (numbers), figures (ink), one page.

`campaign.report.write.write_report(campaign, directory)` writes all of it.
"""
