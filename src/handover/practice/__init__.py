"""The practice prison: HMP Aldermoor, its people and a week of their notes. All of it is made up."""
