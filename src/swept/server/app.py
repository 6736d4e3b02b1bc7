"""The FastAPI application: native API, W&B's API, the page."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.exceptions import HTTPException

from swept import __version__
from swept.engine import Engine
from swept.server import (
    answers,
    api,
    artifacts,
    board,
    events,
    imports,
    insights,
    login,
    overview,
    page,
    runs,
)
from swept.server.advising import Advising
from swept.server.context import Context, Settings
from swept.server.edge import Edge
from swept.server.gathered import Boards
from swept.server.wandb import routes, unserved
from swept.store.base import Store


def create_app(store: Store, engine: Engine, settings: Settings) -> FastAPI:
    """The app over an open store. Its `state.context` is what the lifecycle and tests hold on to; `state.board` may read ahead."""
    app = FastAPI(
        title="swept",
        version=__version__,
        docs_url=None,  # FastAPI's own pages load scripts from elsewhere
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    context = Context(store, engine, engine.clock, settings)
    app.state.context = context
    answers.install(app)
    login.install(app)
    app.add_middleware(Edge, context=context)
    app.include_router(api.router)
    app.include_router(runs.router)
    app.include_router(artifacts.router)
    app.include_router(imports.router)
    advising = Advising(context)
    boards = Boards(store)
    app.state.board = board.Board(context, boards, advising)
    app.include_router(board.router(app.state.board))
    app.include_router(overview.router(context))
    app.include_router(events.router)
    app.include_router(insights.router(context, boards, advising))
    app.include_router(routes.router(context))
    app.include_router(unserved.router(context))
    app.include_router(page.docs_router)
    app.include_router(page.login_router)
    app.include_router(login.router)
    app.add_api_route("/api/{path:path}", _no_such_path, include_in_schema=False)
    app.include_router(page.router)
    return app


def prepare(app: FastAPI) -> None:
    """FastAPI makes what validates a route's requests when the route is first looked at: all at once, and a tenth of a
    second, for the first page that is asked for. Here nobody waits for it."""
    scope = {"type": "http", "method": "GET", "path": "/", "root_path": "", "headers": []}
    for route in app.routes:
        route.matches(scope)


async def _no_such_path(path: str) -> None:
    raise HTTPException(404, f"there is no path /api/{path}")
