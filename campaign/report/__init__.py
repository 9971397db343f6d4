"""The report of a campaign: topics, each with its payloads (numbers), ink and tables, and one page.

`campaign.report.write.write_report(campaign, directory)` writes all of it. A new topic is a folder in `topics/`
(`campaign.report.topic` says what is in it) and a line in the list of `campaign.report.topics`.
"""
