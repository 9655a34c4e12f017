# ---
# title: "Exam: LLMs in Production"
# minutes: 30
# objectives: Find out what you can use without looking it up, and which labs to go back to
# builds: 20 questions, 4 of them answered by code
# needs: {memory_gb: 2, engine: false}
# ---

# %% [markdown]
# # Exam: LLMs in Production
#
# Twenty questions on labs 01 to 09: serving, the KV cache, frameworks and formats, optimisation, monitoring. Four of them are answered by code. You pass with 14 of the 20 right.
#
# - **30 minutes** are meant for it. The clock below informs you; nothing is locked when it has run out.
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

servelab.setup("12-exam-llms-in-production")

# %%
servelab.timer(30, "12-exam-llms-in-production")

# %% exam="llms-in-production"

# %% [markdown]
# ## Done?
#
# Save the notebook. On your own, `servelab check 12` grades it and writes your report beside it; in a class, submit it. If a
# question is unclear or wrong, tell your instructor its name, which stands in the answer cell after `quiz_`, and what you would answer.
