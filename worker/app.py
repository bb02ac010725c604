"""The Celery application: how messages travel, and that they are nothing but nudges."""

from __future__ import annotations

from functools import cache
from typing import Any

from celery import Celery
from kombu.transport import virtual

from docproc.settings import Settings
from docproc.store.jobs import QUEUES
from worker import folder

TASK = "docproc.work"
"""The one task: claim the best job and do it."""
POLL_SECONDS = 0.1
"""How often a worker without a broker server looks for messages."""
PATIENCE = 5.0
"""Seconds that a broker may take to answer; an upload waits for it."""
LATE_SECONDS = 20
"""How much later than the worker itself Celery kills a job that is over time: it is the second line."""

# A message that a lost connection had taken is not put back: the sweep makes up for it, and kombu ends the whole
# worker when it cannot be put back because Redis is down.
virtual.Channel.do_restore = False


@cache
def make(settings: Settings) -> Celery:
    """Return the application for `settings`; the same one every time."""
    app = Celery("docproc", set_as_current=False)
    app.conf.update(_common(settings))
    app.conf.update(_broker(settings))
    return app


def _common(settings: Settings) -> dict[str, Any]:
    return {
        "task_acks_late": True,
        "task_ignore_result": True,
        "task_time_limit": settings.job_seconds + LATE_SECONDS,
        "task_default_queue": QUEUES[0],
        "task_create_missing_queues": True,
        "worker_prefetch_multiplier": 1,
        "worker_max_memory_per_child": settings.worker_memory // 1024,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_proc_alive_timeout": 120.0,
        "worker_lost_wait": 1.0,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_connection_timeout": PATIENCE,
        "accept_content": ["json"],
    }


def _broker(settings: Settings) -> dict[str, Any]:
    if settings.broker_url:
        # What publishes must not wait for a broker that is down: the sweep makes up for it.
        options: dict[str, Any] = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.2}
        if not settings.broker_url.startswith("amqp"):
            # For the same reason as above: what was taken before Redis went cannot be acknowledged after it.
            options |= {"ack_emulation": False, "socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE}
        return {"broker_url": settings.broker_url, "broker_transport_options": options}
    messages = settings.data_dir.expanduser() / "queue" / "messages"
    messages.mkdir(parents=True, exist_ok=True)
    folder.clear(messages)
    return {
        "broker_url": "filesystem://localhost",
        "broker_transport": "worker.folder:Transport",
        "worker_enable_remote_control": False,
        "broker_transport_options": {
            "data_folder_in": str(messages),
            "data_folder_out": str(messages),
            "polling_interval": POLL_SECONDS,
        },
    }
