"""Simulated worlds whose truth is known, judged by the real code: are verdicts, intervals and weights right?"""
