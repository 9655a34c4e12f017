# ---
# title: "Exam: LLM Infrastructure"
# minutes: 60
# objectives: Find out what you can use without looking it up, and which labs to go back to
# builds: 25 questions and 3 scenarios on the whole course
# needs: {memory_gb: 2, engine: false}
# ---

# %% [markdown]
# # Exam: LLM Infrastructure
#
# Twenty-five questions on the whole course, and three scenarios that are answered in words. You pass with 20 of the 25 right. The scenarios are read by a person and are a bonus: they never decide whether you pass.
#
# - **60 minutes** are meant for it. The clock below informs you; nothing is locked when it has run out.
# - Run all cells first (*Run > Run All Cells*): each question then shows its options, in an order of your own.
# - Click on an answer, or put its name between the quotes of the answer cell. That text is what counts; you can change it as often as
#   you like, and leave questions out.
# - Look up what you would look up at work. Ask nobody, and no model.
#
# When you are done, save and hand in as you do a lab. Your result comes back with a chart by topic, an explanation of every question
# that you missed, and what to do next.

# %% tags=["setup"]
# %load_ext servelab
import servelab

servelab.setup("13-exam-llm-infrastructure")

# %%
servelab.timer(60, "13-exam-llm-infrastructure")

# %% exam="llm-infrastructure"

# %% [markdown]
# ## Done?
#
# Save the notebook. On your own, `servelab check 13` grades it and writes your report beside it; in a class, submit it. If a
# question is unclear or wrong, tell your instructor its name, which stands in the answer cell after `quiz_`, and what you would answer.
