# Attacks on whoever reads the result in a browser.

# %% attack "a script as output" honest=5 renders
# Displays HTML with a script in it.
from IPython.display import HTML

display(HTML("<script>document.title = 'taken over'</script>"))
def mean(values):
    return sum(values) / len(values)

# %% attack "JavaScript as output" honest=5 renders
# The display type that notebooks run by themselves.
from IPython.display import Javascript

display(Javascript("document.title = 'taken over'"))
def mean(values):
    return sum(values) / len(values)

# %% attack "a script as a value" answer=total honest=4 renders
# The last value of a cell draws itself.
def total(values):
    return sum(values)

class Picture:
    def _repr_html_(self):
        return "<img src=x onerror=\"document.title = 'taken over'\">"

    def _repr_svg_(self):
        return "<svg onload=\"document.title = 'taken over'\"></svg>"

Picture()

# %% attack "a script inside a check" honest=5 renders
# Displays while the check calls.
from IPython.display import HTML

def mean(values):
    display(HTML("<script>document.title = 'taken over'</script>"))
    return sum(values) / len(values)

# %% attack "a script in an answer that is read by a person" answer=files honest=16 runs
# Markdown may hold HTML, and a feedback page shows it.
def hand_in(folder, notebook, scratch):
    import nbformat

    notebook.cells[-1].source = "Because. <script>document.title = 'taken over'</script>"
    nbformat.write(notebook, folder / "01-attacked.ipynb")

# %% attack "a picture that fails to load" answer=files honest=16 runs
# The same by an event handler.
def hand_in(folder, notebook, scratch):
    import nbformat

    notebook.cells[-1].source = "Because. <img src=x onerror=\"document.title = 'taken over'\">"
    nbformat.write(notebook, folder / "01-attacked.ipynb")

# %% attack "a link that is a script" answer=files honest=16 runs
# The same by an address, which a person has to click.
def hand_in(folder, notebook, scratch):
    import nbformat

    notebook.cells[-1].source = "Because. <a href=\"javascript:document.title='taken over'\">My sources</a>"
    nbformat.write(notebook, folder / "01-attacked.ipynb")

# %% attack "a script in a file name" answer=files honest=16 control=unescaped runs
# The grader tells a student how the notebook was called.
def hand_in(folder, notebook, scratch):
    import nbformat

    nbformat.write(notebook, folder / "<img src=x onerror=alert(1)>.ipynb")
